//! Every credential file that is known: by its name, some only in their folder. Beside each stands the parser of its format, or the names whose
//! values are secrets.

use super::fields::Syntax;
use super::kinds::Kind;
use super::{code, command, config, ini, json, lines, names, xml, yaml};

const ANYWHERE: &[&str] = &[];

/// Every kind of credential file, the first that fits counts.
pub(super) const KINDS: &[Kind] = &[
    // pulumi.com, "Credentials": `accessTokens` by the backend's address.
    Kind::under(&[".pulumi"], &["credentials.json"], json::pulumi),
    Kind::under(&[".docker", "containers", "kaniko/.docker"], &["config.json", "auth.json"], json::docker),
    Kind::anywhere(&[".dockercfg", ".dockerconfigjson"], json::docker),
    Kind::anywhere(&["auth.json"], json::composer),
    Kind::anywhere(
        &[
            "application_default_credentials.json",
            "*service-account*.json",
            "*service_account*.json",
            "*serviceaccount*.json",
            "credentials.json",
        ],
        json::google,
    ),
    Kind::under(&["legacy_credentials", "gcloud"], &["adc.json"], json::google),
    Kind::under(
        &[".azure"],
        &["accessTokens.json", "msal_token_cache.json", "azureProfile.json", "service_principal_entries.json"],
        json::azure,
    ),
    Kind::anywhere(&["*.tfstate", "*.tfstate.backup"], json::terraform_state),
    Kind::anywhere(&["credentials.tfrc.json"], json::terraform_credentials),
    Kind::anywhere(&["sftp-config.json", "sftp.json", ".ftpconfig", ".remote-sync.json"], json::sftp),
    Kind::under(&[".aws"], &["credentials", "config"], ini::aws),
    Kind::anywhere(&[".s3cfg"], ini::s3cfg),
    Kind::anywhere(&[".boto"], ini::s3cfg),
    Kind::anywhere(&[".my.cnf", ".mylogin.cnf", "my.cnf"], ini::mysql),
    Kind::anywhere(&[".pypirc"], ini::pypirc),
    Kind::under(&[".cargo", "cargo"], &["credentials", "credentials.toml"], ini::cargo),
    Kind::under(&["pypoetry"], &["auth.toml"], ini::pypirc),
    Kind::anywhere(&[".netrc", "_netrc", "netrc"], lines::netrc),
    Kind::anywhere(&[".pgpass", "pgpass.conf", "pgpass"], lines::pgpass),
    Kind::anywhere(&[".htpasswd", "htpasswd", "*.htpasswd"], lines::htpasswd),
    Kind::under(&["etc"], &["shadow", "shadow-", "gshadow", "gshadow-"], lines::shadow),
    Kind::anywhere(&[".npmrc", "npmrc"], lines::npmrc),
    Kind::anywhere(&[".yarnrc"], lines::npmrc),
    Kind::under(&["config", "credentials"], &["master.key", "*.key"], lines::rails),
    Kind::anywhere(&["gradle.properties"], names::gradle),
    Kind::anywhere(&[".env", ".env.*", "*.env", ".envrc"], names::dotenv),
    Kind::anywhere(&[".yarnrc.yml"], yaml::yarn),
    Kind::under(&[".kube", "kubernetes"], &["*"], yaml::kubeconfig),
    Kind::anywhere(&["kubeconfig", "*.kubeconfig", "kubeconfig.*"], yaml::kubeconfig),
    Kind::under(&["gh"], &["hosts.yml"], yaml::code_host),
    Kind::under(&[".config"], &["hub"], yaml::code_host),
    Kind::under(&["glab-cli"], &["config.yml"], yaml::code_host),
    Kind::under(&[".gem"], &["credentials"], yaml::gem),
    Kind::under(&[".m2", "conf", "maven"], &["settings.xml"], xml::maven),
    Kind::anywhere(&["nuget.config", "NuGet.Config", "NuGet.config", "Nuget.Config"], xml::nuget),
    Kind::anywhere(&["sitemanager.xml", "recentservers.xml", "filezilla.xml"], xml::filezilla),
    Kind::anywhere(&["wp-config.php"], code::wordpress),
    Kind::anywhere(&["*.tfvars"], code::tfvars),
    Kind::anywhere(&[".terraformrc", "terraform.rc"], code::terraformrc),
    // git-credential-store(1), git-config(1).
    Kind::anywhere(&[".git-credentials"], lines::addresses),
    Kind::under(&[".config/git"], &["credentials"], lines::addresses),
    Kind::under(&[".git"], &["config"], lines::addresses),
    Kind::anywhere(&[".gitconfig", ".gitmodules"], lines::addresses),
    // pip.pypa.io, "Configuration"; conda documentation, ".condarc".
    Kind::anywhere(&["pip.conf", "pip.ini", ".condarc"], lines::addresses),
    // apt_auth.conf(5) is netrc's format.
    Kind::under(&["apt"], &["auth.conf"], lines::netrc),
    Kind::under(&["apt/auth.conf.d"], &["*"], lines::netrc),
    Kind::anywhere(
        &[
            ".bash_history",
            ".zsh_history",
            ".ash_history",
            ".sh_history",
            ".history",
            "fish_history",
            ".mysql_history",
            ".mariadb_history",
            ".psql_history",
            ".rediscli_history",
        ],
        command::history,
    ),
    // Tokens that are a whole file: HashiCorp's vault CLI, Hugging Face's hub, k3s, Ansible's --vault-password-file, BuildKit's and Compose's
    // mounted secrets.
    Kind::anywhere(
        &[".vault-token", ".vault_pass", ".vault_pass.txt", ".vault_password", "vault_pass.txt", "vault-password.txt"],
        lines::whole,
    ),
    Kind::under(&["huggingface", ".huggingface"], &["token"], lines::whole),
    Kind::under(&["k3s/server"], &["token", "node-token", "agent-token"], lines::whole),
    Kind::under(&["run/secrets"], &["*"], lines::whole),
    // jenkins.io, "Using credentials": the key that opens credentials.xml.
    Kind::under(&["secrets"], &["master.key"], lines::whole),
    Kind::anywhere(&["credentials.xml"], xml::jenkins),
    Kind::anywhere(&["tomcat-users.xml", "webServers.xml", ".dbeaver-data-sources.xml"], xml::attributes),
    // rclone.org/docs, "Configuration encryption": passwords are only obscured.
    Kind::fields(
        ANYWHERE,
        &["rclone.conf", ".rclone.conf"],
        Syntax::Ini,
        "tool-credential",
        &[
            "pass",
            "password",
            "password2",
            "secret_access_key",
            "client_secret",
            "token",
            "sas_url",
            "key",
            "bearer_token",
        ],
    ),
    // docs.aws.amazon.com, "Configuring IAM Identity Center": what `aws` keeps of a login.
    Kind::fields(
        &[".aws/sso/cache", ".aws/cli/cache"],
        &["*.json"],
        Syntax::Json,
        "aws-credentials-file",
        &["accessToken", "refreshToken", "clientSecret", "SecretAccessKey", "SessionToken"],
    ),
    // docs.snowflake.com, "Connecting through the connections.toml file", "SnowSQL configuration".
    Kind::fields(
        &[".snowflake", "snowflake", ".snowsql"],
        &["config.toml", "connections.toml", "config"],
        Syntax::Ini,
        "tool-credential",
        &["password", "token", "private_key_passphrase", "passcode", "private_key_file_pwd"],
    ),
    // docs.getdbt.com, "profiles.yml".
    Kind::fields(
        ANYWHERE,
        &["profiles.yml"],
        Syntax::Yaml,
        "tool-credential",
        &["password", "pass", "token", "client_secret", "private_key_passphrase", "refresh_token", "private_key"],
    ),
    // airflow.apache.org, "Configuration Reference".
    Kind::fields(
        ANYWHERE,
        &["airflow.cfg"],
        Syntax::Ini,
        "application-credential",
        &["fernet_key", "secret_key", "jwt_secret", "smtp_password", "flower_basic_auth", "internal_api_secret_key"],
    ),
    // ngrok.com, "Agent Configuration File".
    Kind::fields(ANYWHERE, &["ngrok.yml"], Syntax::Yaml, "tool-credential", &["authtoken", "api_key"]),
    // Command lines of providers: each its own name for one token, documented with its `login`.
    Kind::fields(
        &["doctl", ".fly", ".circleci", ".travis", "scw", "argocd", ".argocd", "linode", ".civo", "exoscale", "helm"],
        &["config.yaml", "config.yml", "cli.yml", "config", "exoscale.toml", "repositories.yaml"],
        Syntax::Yaml,
        "tool-credential",
        &[
            "access-token",
            "access_token",
            "token",
            "secret_key",
            "secret-key",
            "auth-token",
            "password",
            "refresh-token",
        ],
    ),
    Kind::fields(
        ANYWHERE,
        &[
            ".databrickscfg",
            ".sentryclirc",
            "linode-cli",
            "cli.toml",
            ".kaggle.ini",
            ".pg_service.conf",
            "pg_service.conf",
        ],
        Syntax::Ini,
        "tool-credential",
        &["token", "password", "client_secret", "secret"],
    ),
    Kind::fields(
        &["netlify", ".netlify", "com.vercel.cli", "configstore", ".kaggle", ".heroku", ".doppler", ".infracost"],
        &["config.json", "auth.json", "*.json"],
        Syntax::Json,
        "tool-credential",
        &["token", "key", "access_token", "refresh_token", "authToken", "api_key"],
    ),
    // docs.gitlab.com, "GitLab Runner advanced configuration".
    Kind::fields(&["gitlab-runner", ".gitlab-runner"], &["config.toml"], Syntax::Ini, "tool-credential", &["token"]),
    // docs.streamlit.io, "secrets.toml".
    Kind::under(&[".streamlit"], &["secrets.toml"], config::properties),
    // Clients: curl(1), wget's manual, msmtp(1), fetchmail(1), mount.cifs(8).
    Kind::anywhere(&[".curlrc", "_curlrc"], code::curlrc),
    Kind::fields(
        ANYWHERE,
        &[".wgetrc", "wgetrc", ".smbcredentials", ".smbcreds"],
        Syntax::Ini,
        "tool-credential",
        &["password", "http_password", "ftp_password", "proxy_password"],
    ),
    Kind::fields(ANYWHERE, &[".msmtprc", "msmtprc", ".fetchmailrc"], Syntax::Words, "tool-credential", &["password"]),
    // Directories: ldap.conf(5), nslcd.conf(5), slapd.conf(5), sssd-ldap(5).
    Kind::fields(
        ANYWHERE,
        &["ldap.conf", "nslcd.conf", "pam_ldap.conf", "libnss-ldap.conf", "slapd.conf", "*.ldif"],
        Syntax::Words,
        "network-password",
        &["bindpw", "rootpw", "rootpwmoddn", "olcRootPW:", "userPassword:"],
    ),
    Kind::anywhere(&["ldap.secret", "pam_ldap.secret", "libnss-ldap.secret"], lines::whole),
    Kind::fields(ANYWHERE, &["sssd.conf"], Syntax::Ini, "network-password", &["ldap_default_authtok"]),
    // Networks: snmpd.conf(5), wpa_supplicant.conf(5), nm-settings-keyfile(5), pppd(8), ipsec.secrets(5), FreeRADIUS' clients.conf.
    Kind::anywhere(&["snmpd.conf"], lines::snmp),
    Kind::fields(
        ANYWHERE,
        &["wpa_supplicant.conf", "wpa_supplicant-*.conf"],
        Syntax::Ini,
        "network-password",
        &["psk", "password", "sae_password", "private_key_passwd", "wep_key0", "wep_key1"],
    ),
    Kind::fields(
        &["system-connections"],
        &["*"],
        Syntax::Ini,
        "network-password",
        &[
            "psk",
            "password",
            "wep-key0",
            "leap-password",
            "private-key",
            "preshared-key",
            "private-key-password",
            "secret",
        ],
    ),
    Kind::anywhere(&["chap-secrets", "pap-secrets"], lines::ppp),
    Kind::anywhere(&["ipsec.secrets", "*.ipsec.secrets"], lines::ipsec),
    Kind::fields(&["freeradius", "raddb", "3.0"], &["clients.conf"], Syntax::Ini, "network-password", &["secret"]),
    // Servers: redis.io, "ACL"; rabbitmq.com, "Configuration"; grafana.com, "Configure Grafana"; odbc.ini of unixODBC.
    Kind::fields(
        ANYWHERE,
        &["redis.conf", "sentinel.conf", "valkey.conf"],
        Syntax::Words,
        "application-credential",
        &["requirepass", "masterauth", "primaryauth"],
    ),
    Kind::fields(ANYWHERE, &["rabbitmq.conf"], Syntax::Ini, "application-credential", &["default_pass"]),
    Kind::fields(
        ANYWHERE,
        &["grafana.ini", "custom.ini"],
        Syntax::Ini,
        "application-credential",
        &["admin_password", "secret_key", "password", "client_secret", "bind_password"],
    ),
    Kind::fields(ANYWHERE, &["odbc.ini", ".odbc.ini"], Syntax::Ini, "application-credential", &["password", "pwd"]),
    // sbt's and Ivy's credentials (scala-sbt.org, "Publishing"), Maven's master password (maven.apache.org, "Password Encryption").
    Kind::fields(&[".sbt", ".ivy2"], &[".credentials", "credentials"], Syntax::Ini, "maven-password", &["password"]),
    Kind::anywhere(&["settings-security.xml"], xml::maven),
    // bundler.io, "bundle config": `BUNDLE_GEMS__ACME__NET: "user:password"`.
    Kind::under(&[".bundle"], &["config"], yaml::bundler),
    // Applications: Spring, Symfony, Rails, Helm, ASP.NET, node-config, Django, Drupal, Joomla, Magento, phpBB, MediaWiki.
    Kind::anywhere(
        &[
            "application*.yml",
            "application*.yaml",
            "bootstrap*.yml",
            "database.yml",
            "secrets.yml",
            "secrets.yaml",
            "credentials.yml",
            "credentials.yaml",
            "parameters.yml",
            "values.yaml",
            "values-*.yaml",
            "values.*.yaml",
        ],
        config::yaml,
    ),
    Kind::anywhere(&["docker-compose*.yml", "docker-compose*.yaml", "compose*.yml", "compose*.yaml"], config::compose),
    Kind::anywhere(&["appsettings*.json", "local.settings.json", "secrets.json"], config::json),
    Kind::perhaps(
        &["config"],
        &["default.json", "production.json", "development.json", "local.json", "config.json"],
        config::json,
    ),
    Kind::anywhere(
        &[
            "application*.properties",
            "bootstrap*.properties",
            "database.properties",
            "db.properties",
            "jdbc.properties",
            "secrets.properties",
            "credentials.properties",
            "local.properties",
            "sonar-project.properties",
            "secrets.toml",
            "settings.toml",
            ".secrets.toml",
            "config.ini",
            "settings.ini",
            "database.ini",
            "credentials.ini",
            "secrets.ini",
        ],
        config::properties,
    ),
    Kind::anywhere(&["settings.py", "local_settings.py", "settings_local.py", "production.py"], code::python),
    Kind::anywhere(&["settings.php", "env.php", "configuration.php", "config.inc.php", "LocalSettings.php"], code::php),
    Kind::perhaps(ANYWHERE, &["*.yml", "*.yaml"], config::manifest),
    Kind::perhaps(&["manifests", "kubernetes", "k8s"], &["*.json"], config::manifest),
];
