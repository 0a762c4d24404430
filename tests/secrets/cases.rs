//! Credential files: where they are, what stands in them, and what is a secret there. Templates, so that no file of this repository holds a token.

/// Path, template of its text, and the rule and key of each secret in it, front to back.
pub(crate) type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

pub(crate) const CASES: &[Case] = &[
    (
        "root/.docker/config.json",
        r#"{"auths": {"registry.acme.net": {"auth": "{basic}"}, "other.acme.net": {}}, "credsStore": "pass"}"#,
        &[("docker-registry-auth", "registry.acme.net")],
    ),
    (
        "run/containers/auth.json",
        r#"{"auths": {"quay.acme.net": {"auth": "{basic}", "identitytoken": "{base62:30}"}}}"#,
        &[("docker-registry-auth", "quay.acme.net"), ("docker-registry-auth", "quay.acme.net")],
    ),
    (
        "root/.dockercfg",
        r#"{"https://index.docker.io/v1/": {"auth": "{basic}"}}"#,
        &[("docker-registry-auth", "https://index.docker.io/v1/")],
    ),
    (
        "home/app/.npmrc",
        "registry=https://npm.acme.net/\n//npm.acme.net/:_authToken={uuid}\n//x.acme.net/:_authToken=${NPM_TOKEN}\nalways-auth=true\n",
        &[("npmrc-credential", "npm.acme.net/")],
    ),
    ("home/app/.npmrc", "_auth = \"{basic}\"\n; _password=x\n", &[("npmrc-credential", "_auth")]),
    (
        "app/.yarnrc.yml",
        "npmScopes:\n  acme:\n    npmRegistryServer: \"https://npm.acme.net\"\n    npmAuthToken: \"{base62:30}\"\n",
        &[("npmrc-credential", "acme")],
    ),
    (
        "root/.netrc",
        "machine api.acme.net login ci password {base62:20}\nmachine b.acme.net\n  login x\n  password {base62:12}\nmacdef init\npassword no\n\n",
        &[("netrc-password", "api.acme.net"), ("netrc-password", "b.acme.net")],
    ),
    (
        "root/.pgpass",
        "# host:port:db:user:password\ndb.acme.net:5432:*:app:{base62:20}\nh\\:6:5432:a:b:{base62:10}\\:x\n",
        &[("pgpass-password", "db.acme.net"), ("pgpass-password", "h\\:6")],
    ),
    (
        "root/.my.cnf",
        "[client]\nuser=root\npassword = \"{base62:16}\"\n[mysqldump]\n#password=old-one\nquick\n",
        &[("mysql-password", "client")],
    ),
    (
        "root/.git-credentials",
        "https://deploy:{base62:20}@git.acme.net\nhttps://me:short@git\n",
        &[("url-password", "git.acme.net"), ("url-password", "git")],
    ),
    (
        "root/.pypirc",
        "[distutils]\nindex-servers = acme\n[acme]\nrepository: https://pypi.acme.net\nusername: ci\npassword: {base62:20}\n",
        &[("pypirc-password", "acme")],
    ),
    (
        "etc/pip.conf",
        "[global]\nindex-url = https://ci:{base62:20}@pypi.acme.net/simple\n",
        &[("url-password", "pypi.acme.net")],
    ),
    (
        "root/.aws/credentials",
        "[default]\naws_access_key_id = AKIA{base32:16}\naws_secret_access_key = {aws-secret}\n[dev]\naws_session_token = {base62:300}\n",
        &[("aws-access-key-id", ""), ("aws-secret-access-key", "default"), ("aws-credentials-file", "dev")],
    ),
    (
        "root/.s3cfg",
        "[default]\naccess_key = abc\nsecret_key = {base62:32}\nuse_https = True\n",
        &[("s3cfg-credential", "default")],
    ),
    ("root/.boto", "[Credentials]\ngs_oauth2_refresh_token = {base62:40}\n", &[("s3cfg-credential", "Credentials")]),
    (
        "root/.config/gcloud/application_default_credentials.json",
        r#"{"client_id": "acme.apps", "refresh_token": "{base62:60}", "type": "authorized_user"}"#,
        &[("gcp-credentials-file", "acme.apps")],
    ),
    (
        "root/.azure/msal_token_cache.json",
        r#"{"RefreshToken": {"a": {"secret": "0.A{base62:80}", "home_account_id": "x"}}}"#,
        &[("azure-token-cache", "secret")],
    ),
    (
        "root/.kube/config",
        "apiVersion: v1\nclusters:\n- cluster:\n    server: https://k.acme.net\n  name: prod\nusers:\n- name: admin\n  user:\n    token: {base62:40}\n",
        &[("kubeconfig-credential", "admin")],
    ),
    (
        "etc/nginx/.htpasswd",
        "# users\nadmin:$apr1${base62:8}${base62:22}\nbob:$2y$05${base62:53}\nnobody:!\n",
        &[("htpasswd-hash", "admin"), ("htpasswd-hash", "bob")],
    ),
    (
        "etc/shadow",
        "root:*:19000:0:99999:7:::\nadmin:$6${base62:16}${base62:86}:19000:0:99999:7:::\nlocked:!$y$j9T${base62:22}${base62:43}:1::::::\nnone::1::::::\nd:!!:1::::::\n",
        &[("shadow-hash", "admin"), ("shadow-hash", "locked")],
    ),
    (
        "var/www/html/wp-config.php",
        "<?php\ndefine( 'DB_NAME', 'wp' );\ndefine( 'DB_PASSWORD', '{base62:16}' );\ndefine('AUTH_KEY', 'put your unique phrase here');\ndefine('NONCE_SALT', '{base62:64}');\ndefine('DB_HOST', getenv('X'));\n",
        &[("wordpress-credential", "DB_PASSWORD"), ("wordpress-credential", "NONCE_SALT")],
    ),
    (
        "app/.env",
        "# comment\nexport DB_PASSWORD=\"{base62:14}\"\nDB_PASSWORD_FILE=/run/secrets/db\nAPI_TOKEN={base62:24} # ci\nPORT=8080\nSECRET_KEY=changeme\nEMPTY_SECRET=\n",
        &[("dotenv-credential", "DB_PASSWORD"), ("dotenv-credential", "API_TOKEN"), ("default-password", "SECRET_KEY")],
    ),
    ("app/.env.production", "JWT_SECRET='{base62:40}'\n", &[("dotenv-credential", "JWT_SECRET")]),
    ("srv/app.env", "SMTP_PASS={base62:12}\n", &[("dotenv-credential", "SMTP_PASS")]),
    (
        "root/.m2/settings.xml",
        "<settings><servers><server><id>releases</id><username>ci</username><password>{base62:18}</password></server><server><id>enc</id><password>{bm90aGluZw==}</password></server></servers></settings>",
        &[("maven-password", "releases")],
    ),
    (
        "app/nuget.config",
        "<configuration><packageSourceCredentials><acme><add key=\"Username\" value=\"ci\" /><add key=\"ClearTextPassword\" value=\"{base62:24}\" /></acme></packageSourceCredentials></configuration>",
        &[("nuget-password", "acme")],
    ),
    (
        "root/.gradle/gradle.properties",
        "org.gradle.jvmargs=-Xmx2g\nacmePassword={base62:20}\nsigning.keyId=24875D73\n",
        &[("gradle-credential", "acmePassword")],
    ),
    (
        "srv/terraform.tfstate",
        r#"{"version": 4, "resources": [{"type": "aws_db_instance", "instances": [{"attributes": {"username": "app", "password": "{base62:20}", "port": 5432}}]}]}"#,
        &[("terraform-credential", "password")],
    ),
    (
        "srv/prod.tfvars",
        "region = \"eu\"\ndb_password = \"{base62:20}\"\n# api_token = \"x\"\n",
        &[("terraform-credential", "db_password")],
    ),
    (
        "root/.terraformrc",
        "credentials \"app.terraform.io\" {\n  token = \"{base62:40}\"\n}\n",
        &[("terraform-token", "app.terraform.io")],
    ),
    (
        "root/.terraform.d/credentials.tfrc.json",
        r#"{"credentials": {"tf.acme.net": {"token": "{base62:40}"}}}"#,
        &[("terraform-token", "tf.acme.net")],
    ),
    ("app/config/master.key", "{hex:32}\n", &[("rails-master-key", "")]),
    (
        "root/.composer/auth.json",
        r#"{"http-basic": {"repo.acme.net": {"username": "ci", "password": "{base62:24}"}}, "bearer": {"b.acme.net": "{base62:30}"}}"#,
        &[("composer-auth", "repo.acme.net"), ("composer-auth", "b.acme.net")],
    ),
    (
        "root/.cargo/credentials.toml",
        "[registries.acme]\ntoken = \"{base62:36}\"\n",
        &[("cargo-token", "registries.acme")],
    ),
    (
        "root/.config/gh/hosts.yml",
        "git.acme.net:\n    user: ci\n    oauth_token: {base62:40}\n",
        &[("code-host-token", "git.acme.net")],
    ),
    ("root/.gem/credentials", "---\n:acme_api_key: {hex:40}\n", &[("gem-credential", ":acme_api_key")]),
    (
        "srv/.vscode/sftp.json",
        "{\n  // deploy\n  \"host\": \"ftp.acme.net\",\n  \"username\": \"x\",\n  \"password\": \"{base62:16}\"\n}\n",
        &[("sftp-password", "ftp.acme.net")],
    ),
    (
        "root/.config/filezilla/sitemanager.xml",
        "<FileZilla3><Servers><Server><Host>ftp.acme.net</Host><Pass encoding=\"base64\">{basic}</Pass></Server></Servers></FileZilla3>",
        &[("sftp-password", "ftp.acme.net")],
    ),
    (
        "srv/app/.git/config",
        "[remote \"origin\"]\n\turl = https://ci:{base62:20}@git.acme.net/app.git\n[http \"https://x.acme.net/\"]\n\textraheader = AUTHORIZATION: basic {basic}\n",
        &[("url-password", "git.acme.net"), ("url-credential", "extraheader")],
    ),
    (
        "etc/apt/auth.conf.d/acme.conf",
        "machine apt.acme.net login ci password {base62:20}\n",
        &[("netrc-password", "apt.acme.net")],
    ),
    (
        "root/.bash_history",
        "ls -la\nmysql -uroot -p{base62:12} app\nexport API_TOKEN={base62:24}\ndocker run -p 127.0.0.1:80:80 x\ncurl -u ci:{base62:16} https://acme.net/\nmysql -p\n",
        &[("command-credential", "-p"), ("command-credential", "API_TOKEN"), ("command-credential", "-u")],
    ),
    (
        "root/.zsh_history",
        ": 1700000000:0;PGPASSWORD={base62:12} psql -h db\n",
        &[("command-credential", "PGPASSWORD")],
    ),
    (
        "root/.mysql_history",
        "show tables;\nCREATE USER 'app'@'%' IDENTIFIED BY '{base62:14}';\n",
        &[("command-credential", "IDENTIFIED BY")],
    ),
    ("root/.vault-token", "s.{base62:24}\n", &[("secret-file", "")]),
    ("root/.cache/huggingface/token", "{base62:37}", &[("secret-file", "")]),
    ("run/secrets/db_password", "{base62:14}\n", &[("secret-file", "")]),
    ("var/jenkins_home/secrets/master.key", "{hex:256}", &[("secret-file", "")]),
    (
        "var/jenkins_home/credentials.xml",
        "<list><com.x><id>deploy</id><username>ci</username><password>{AQAAABAAAAAQ{base62:40}=}</password></com.x></list>",
        &[("jenkins-credential", "deploy")],
    ),
    (
        "opt/tomcat/conf/tomcat-users.xml",
        "<tomcat-users>\n<!-- <user username=\"x\" password=\"commented-out1\"/> -->\n<user username=\"ops\" password=\"{base62:14}\" roles=\"manager-gui\"/>\n<user username=\"tomcat\" password=\"tomcat\"/></tomcat-users>",
        &[("application-credential", "ops"), ("default-password", "tomcat")],
    ),
    (
        "root/.config/rclone/rclone.conf",
        "[backup]\ntype = s3\naccess_key_id = AK\nsecret_access_key = {base62:40}\n[nas]\ntype = sftp\npass = {base64url:32}\n",
        &[("aws-secret-access-key", "backup"), ("tool-credential", "nas")],
    ),
    (
        "root/.pulumi/credentials.json",
        r#"{"current": "https://api.acme.net", "accessTokens": {"https://api.acme.net": "{base62:40}"}}"#,
        &[("tool-credential", "https://api.acme.net")],
    ),
    (
        "root/.aws/sso/cache/ab12.json",
        r#"{"startUrl": "https://x", "accessToken": "{base62:80}", "expiresAt": "2026-01-01T00:00:00Z"}"#,
        &[("aws-credentials-file", "accessToken")],
    ),
    (
        "root/.snowflake/connections.toml",
        "[prod]\naccount = \"acme\"\nuser = \"etl\"\npassword = \"{base62:16}\"\n",
        &[("tool-credential", "prod")],
    ),
    (
        "root/.dbt/profiles.yml",
        "acme:\n  target: prod\n  outputs:\n    prod:\n      type: postgres\n      user: dbt\n      password: {base62:16}\n",
        &[("tool-credential", "prod")],
    ),
    (
        "opt/airflow/airflow.cfg",
        "[core]\nfernet_key = {base62:43}=\n[smtp]\nsmtp_password = {base62:12}\n",
        &[("application-credential", "core"), ("application-credential", "smtp")],
    ),
    ("root/.config/ngrok/ngrok.yml", "version: 2\nauthtoken: {base62:40}\n", &[("tool-credential", "authtoken")]),
    (
        "root/.config/doctl/config.yaml",
        "access-token: {base62:64}\ncontext: default\n",
        &[("tool-credential", "access-token")],
    ),
    ("root/.databrickscfg", "[DEFAULT]\nhost = https://x\ntoken = {base62:36}\n", &[("tool-credential", "DEFAULT")]),
    ("root/.kaggle/kaggle.json", r#"{"username": "me", "key": "{hex:32}"}"#, &[("tool-credential", "key")]),
    (
        "etc/gitlab-runner/config.toml",
        "[[runners]]\n  url = \"https://x\"\n  token = \"{base62:20}\"\n",
        &[("tool-credential", "[runners]")],
    ),
    ("root/.curlrc", "user = \"ci:{base62:14}\"\n", &[("tool-credential", "user")]),
    ("root/.wgetrc", "http_user=ci\nhttp_password={base62:14}\n", &[("tool-credential", "http_password")]),
    ("root/.msmtprc", "account acme\nuser ci\npassword {base62:14}\n", &[("tool-credential", "password")]),
    ("etc/ldap.conf", "base dc=acme\nbinddn cn=x\nbindpw {base62:14}\n", &[("network-password", "bindpw")]),
    ("etc/ldap/slapd.conf", "rootdn \"cn=admin\"\nrootpw\t{base62:14}\n", &[("network-password", "rootpw")]),
    (
        "etc/sssd/sssd.conf",
        "[domain/acme]\nldap_default_authtok = {base62:14}\n",
        &[("network-password", "domain/acme")],
    ),
    (
        "etc/snmp/snmpd.conf",
        "rocommunity public\nrwcommunity {base62:12} 10.0.0.0/8\ncreateUser ops SHA \"{base62:14}\" AES {base62:14}\n",
        &[("network-password", "rwcommunity"), ("network-password", "ops"), ("network-password", "ops")],
    ),
    (
        "etc/wpa_supplicant/wpa_supplicant.conf",
        "network={\n    ssid=\"acme\"\n    psk=\"{base62:14}\"\n}\n",
        &[("network-password", "psk")],
    ),
    (
        "etc/NetworkManager/system-connections/acme.nmconnection",
        "[wifi-security]\nkey-mgmt=wpa-psk\npsk={base62:14}\n",
        &[("network-password", "wifi-security")],
    ),
    ("etc/ppp/chap-secrets", "# client server secret\nme * {base62:12} *\n", &[("network-password", "me")]),
    ("etc/ipsec.secrets", "10.0.0.1 10.0.0.2 : PSK \"{base62:24}\"\n", &[("network-password", "10.0.0.1 10.0.0.2")]),
    ("etc/redis/redis.conf", "port 6379\nrequirepass {base62:20}\n", &[("application-credential", "requirepass")]),
    (
        "etc/rabbitmq/rabbitmq.conf",
        "default_user = ops\ndefault_pass = {base62:20}\n",
        &[("application-credential", "default_pass")],
    ),
    (
        "etc/grafana/grafana.ini",
        "[security]\nadmin_password = {base62:14}\n",
        &[("application-credential", "security")],
    ),
    ("etc/odbc.ini", "[acme]\nDriver=x\nPWD = {base62:14}\n", &[("application-credential", "acme")]),
    (
        "root/.sbt/.credentials",
        "realm=Acme\nhost=x\nuser=ci\npassword={base62:14}\n",
        &[("maven-password", "password")],
    ),
    (
        "root/.bundle/config",
        "---\nBUNDLE_GEMS__ACME__NET: \"ci:{base62:20}\"\n",
        &[("gem-credential", "BUNDLE_GEMS__ACME__NET")],
    ),
    (
        "app/src/main/resources/application-prod.yml",
        "spring:\n  datasource:\n    url: jdbc:postgresql://db/app\n    password: {base62:14}x1\n  redis:\n    password: ${REDIS_PASSWORD}\n",
        &[("application-credential", "datasource.password")],
    ),
    (
        "app/application.properties",
        "spring.datasource.password={base62:14}1\nspring.redis.password=${REDIS}\nui.password.label=Passwort\n",
        &[("application-credential", "spring.datasource.password")],
    ),
    (
        "app/config/database.yml",
        "production:\n  adapter: postgresql\n  password: {base62:14}1\ntest:\n  password: postgres\n",
        &[("application-credential", "production.password"), ("default-password", "test.password")],
    ),
    (
        "srv/chart/values.yaml",
        "postgresql:\n  auth:\n    password: {base62:14}1\n    existingSecret: app-db\n",
        &[("application-credential", "auth.password")],
    ),
    (
        "srv/docker-compose.yml",
        "services:\n  db:\n    image: postgres\n    environment:\n      - POSTGRES_PASSWORD={base62:14}1\n      - DEBUG=1\n  app:\n    environment:\n      API_TOKEN: {base62:24}1\n      DB_PASSWORD: ${DB_PASSWORD}\n",
        &[
            ("application-credential", "environment.POSTGRES_PASSWORD"),
            ("application-credential", "environment.API_TOKEN"),
        ],
    ),
    (
        "app/appsettings.Production.json",
        "{\n  \"ConnectionStrings\": { \"Main\": \"Server=db;User Id=app;Password={base62:14};Encrypt=true\" },\n  \"Smtp\": { \"Password\": \"{base62:12}1\", \"Port\": 25 }\n}",
        &[("application-credential", "Main"), ("application-credential", "Smtp.Password")],
    ),
    (
        "srv/deploy/secret.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: aGVsbG8gd29ybGQ=\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {basic}\n  ca.crt: {basic}\nstringData:\n  token: {base62:24}\n",
        &[("kubernetes-secret", "password"), ("kubernetes-secret", "token")],
    ),
    (
        "srv/app/settings.py",
        "import os\nSECRET_KEY = '{base62:50}'\nDATABASES = {'default': {\n    'PASSWORD': '{base62:14}',\n}}\nEMAIL_HOST_PASSWORD = os.environ['X']\n",
        &[("application-credential", "SECRET_KEY"), ("application-credential", "PASSWORD")],
    ),
    (
        "var/www/sites/default/settings.php",
        "<?php\n$databases['default'] = [\n  'database' => 'app',\n  'password' => '{base62:14}',\n];\n# 'password' => 'commented1',\n",
        &[("application-credential", "password")],
    ),
    (
        "var/www/configuration.php",
        "<?php\nclass JConfig {\n\tpublic $password = '{base62:14}';\n\tpublic $secret = '{base62:16}';\n}\n",
        &[("application-credential", "password"), ("application-credential", "secret")],
    ),
    (
        "etc/wireguard/wg0.conf",
        "[Interface]\nPrivateKey = {wireguard}\n[Peer]\nPublicKey = {wireguard}\n",
        &[("wireguard-key", "")],
    ),
];
