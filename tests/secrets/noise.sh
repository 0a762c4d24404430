#!/bin/sh
# Fetches the trees of tests/secrets/noise.rs into a folder: about 4 GB. Needs mmdebstrap, apt-get, pip, npm; on Debian 12.
set -eu
root=${1:?folder}
mkdir -p "$root/rootfs" "$root/runtimes" "$root/sp" "$root/nm" "$root/get"
cd "$root/get"

python="boto3 urllib3 botocore requests setuptools certifi idna charset-normalizer python-dateutil typing-extensions s3fs packaging six pyyaml numpy
pip fsspec cryptography pydantic click pandas attrs rsa protobuf jmespath jinja2 pyasn1 markupsafe cffi pyjwt awscli platformdirs colorama wheel
googleapis-common-protos rich pygments grpcio google-api-core pydantic-core pytest filelock zipp virtualenv cachetools google-auth pyarrow
importlib-metadata tqdm aiohttp psutil wrapt scipy multidict yarl pillow tomli lxml sqlalchemy greenlet requests-oauthlib oauthlib websocket-client
google-cloud-storage azure-core azure-identity azure-storage-blob msal opentelemetry-api kubernetes docker openai anthropic httpx httpcore anyio
starlette fastapi uvicorn gunicorn flask django djangorestframework celery redis psycopg2-binary pymysql pymongo paramiko fabric ansible-core ansible
scrapy beautifulsoup4 selenium nltk scikit-learn matplotlib plotly tornado twisted sentry-sdk stripe twilio slack-sdk pygithub python-gitlab
snowflake-connector-python langchain"
node="react react-dom lodash express axios chalk commander typescript webpack @babel/core eslint prettier moment uuid dotenv debug async request yargs
semver glob rxjs jest mocha next vue @angular/core @angular/compiler svelte vite rollup esbuild tailwindcss postcss sass jquery bootstrap d3 three
socket.io ws mongoose mongodb pg mysql2 redis ioredis sequelize typeorm prisma knex passport jsonwebtoken bcryptjs crypto-js node-forge nodemailer
aws-sdk @aws-sdk/client-s3 firebase firebase-admin stripe twilio @slack/web-api @octokit/rest openai @google-cloud/storage @azure/storage-blob
googleapis puppeteer-core playwright-core cheerio jsdom winston pino bunyan body-parser cors helmet multer sharp handlebars ejs pug nodemon pm2
core-js zod joi ajv luxon date-fns dayjs graphql @apollo/client redux @reduxjs/toolkit gatsby nuxt @nestjs/core electron-builder inquirer"
runtimes="python3.11 python3.11-minimal libpython3.11-stdlib libpython3.11-testsuite nodejs libnode108 golang-1.19-src golang-1.19-go
openjdk-17-jre-headless openjdk-17-jdk-headless"

mmdebstrap --variant=minbase bookworm debian.tar
tar -xf debian.tar -C "$root/rootfs" --exclude=./dev
# Only where Alpine's servers are reached.
mkdir "$root/alpine"
curl -fsSL https://dl-cdn.alpinelinux.org/alpine/v3.20/releases/x86_64/alpine-minirootfs-3.20.3-x86_64.tar.gz -o alpine.tar.gz &&
    tar -xzf alpine.tar.gz -C "$root/alpine" || rmdir "$root/alpine"
for package in $runtimes; do apt-get download "$package/bookworm" || apt-get download "$package"; done
for file in *.deb; do dpkg-deb -x "$file" "$root/runtimes"; done
for package in $python; do pip download -q --no-deps --only-binary=:all: -d . "$package"; done
for file in *.whl; do python3 -m zipfile -e "$file" "$root/sp/"; done
for package in $node; do npm pack --silent "$package" >/dev/null; done
for file in *.tgz; do
    mkdir -p "$root/nm/node_modules/${file%.tgz}"
    tar -xzf "$file" -C "$root/nm/node_modules/${file%.tgz}" --strip-components=1
done
