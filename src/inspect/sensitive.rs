//! Files that are sensitive by their name: they hold a credential, or decide who may do what. Who may read and change them is noted with their mode.
//!
//! Sources: shadow(5), sudoers(5), crontab(5), sshd(8) and ssh(1) (section FILES), libpq's `.pgpass`, the mysql client's `.mylogin.cnf`, netrc(5),
//! git-credential-store(1), the documentation of `docker login`, `kubectl`, `aws` and `vault`.

/// What a name says of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sensitive {
    /// It holds a credential: nobody but its owner has business in it.
    Credential,
    /// It decides who may do what: nobody but its owner may change it.
    Control,
}

/// Credentials at one place.
const CREDENTIALS: &[&[u8]] = &[
    b"etc/shadow",
    b"etc/shadow-",
    b"etc/gshadow",
    b"etc/gshadow-",
    b"etc/security/opasswd",
    b"var/lib/sss/secrets/secrets.ldb",
];

/// Credentials by their name, wherever they are.
const CREDENTIAL_NAMES: &[&[u8]] = &[
    b".env",
    b".git-credentials",
    b".mylogin.cnf",
    b".netrc",
    b".pgpass",
    b".vault-token",
    b"id_dsa",
    b"id_ecdsa",
    b"id_ed25519",
    b"id_rsa",
];

/// Credentials by the end of their path.
const CREDENTIAL_ENDS: &[&[u8]] = &[b"/.aws/credentials", b"/.docker/config.json", b"/.kube/config"];

/// Files that give rights, at one place.
const CONTROLS: &[&[u8]] = &[
    b"etc/anacrontab",
    b"etc/crontab",
    b"etc/group",
    b"etc/ld.so.conf",
    b"etc/ld.so.preload",
    b"etc/passwd",
    b"etc/profile",
    b"etc/ssh/sshd_config",
    b"etc/sudo.conf",
    b"etc/sudoers",
];

/// Folders whose files give rights.
const CONTROL_FOLDERS: &[&[u8]] = &[
    b"etc/cron.d/",
    b"etc/cron.daily/",
    b"etc/cron.hourly/",
    b"etc/cron.monthly/",
    b"etc/cron.weekly/",
    b"etc/ld.so.conf.d/",
    b"etc/pam.d/",
    b"etc/periodic/",
    b"etc/profile.d/",
    b"etc/sudoers.d/",
    b"var/spool/cron/",
];

/// Files that give rights, by the end of their path.
const CONTROL_ENDS: &[&[u8]] = &[b"/.ssh/authorized_keys", b"/.ssh/authorized_keys2"];

/// What the name of a file says, if it says something.
#[must_use]
pub fn by_name(path: &[u8]) -> Option<Sensitive> {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let ends_with = |ends: &[&[u8]]| ends.iter().any(|end| path.ends_with(end) || end.get(1..) == Some(path));
    if CREDENTIALS.contains(&path)
        || CREDENTIAL_NAMES.contains(&name)
        || ends_with(CREDENTIAL_ENDS)
        || (path.starts_with(b"etc/ssh/ssh_host_") && name.ends_with(b"_key"))
    {
        return Some(Sensitive::Credential);
    }
    let gives_rights = CONTROLS.contains(&path)
        || CONTROL_FOLDERS.iter().any(|folder| path.starts_with(folder))
        || ends_with(CONTROL_ENDS);
    gives_rights.then_some(Sensitive::Control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_where_they_mean_something() {
        for (path, expected) in [
            ("etc/shadow", Some(Sensitive::Credential)),
            ("srv/etc/shadow", None),
            ("root/.pgpass", Some(Sensitive::Credential)),
            (".env", Some(Sensitive::Credential)),
            ("app/.env.example", None),
            ("root/.aws/credentials", Some(Sensitive::Credential)),
            (".aws/credentials", Some(Sensitive::Credential)),
            ("root/aws/credentials", None),
            ("etc/ssh/ssh_host_rsa_key", Some(Sensitive::Credential)),
            ("etc/ssh/ssh_host_rsa_key.pub", None),
            ("etc/cron.d/job", Some(Sensitive::Control)),
            ("home/a/.ssh/authorized_keys", Some(Sensitive::Control)),
            ("etc/hosts", None),
        ] {
            assert_eq!(by_name(path.as_bytes()), expected, "{path}");
        }
    }
}
