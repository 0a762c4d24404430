//! Secrets in commands: in a shell's history, and in what an image runs.
//!
//! A command has no format of its own, but the ways to give a password to one are few: a variable before it, and the options of the field's tools.

use super::{NotUnderstood, Sink, names, text_lines, unquote};
use crate::facts::Confidence;

/// Longest command that is looked at, in words; a longer one is data.
const MAX_WORDS: usize = 4096;

/// Options whose value is a secret, of whatever program.
const OPTIONS: &[&str] = &[
    "--password",
    "--passwd",
    "--pass",
    "--token",
    "--api-key",
    "--apikey",
    "--secret",
    "--secret-key",
    "--client-secret",
    "--access-token",
    "--auth-token",
    "--http-password",
    "--requirepass",
    "--passphrase",
    "--storepass",
    "--keypass",
    "-storepass",
    "-keypass",
    "-srcstorepass",
    "-deststorepass",
    "--registry-password",
    "--ftp-password",
    "--proxy-password",
    "--bind-password",
    "--account-key",
    "--sas-token",
    "--admin-password",
    "--db-password",
    "--root-password",
    "--aws-secret-access-key",
];

/// Programs and the short option that gives them a password, as a word of its own or joined to it.
const SHORT: &[(&str, &str)] = &[
    ("mysql", "-p"),
    ("mysqldump", "-p"),
    ("mysqladmin", "-p"),
    ("mariadb", "-p"),
    ("mariadb-admin", "-p"),
    ("mariadb-dump", "-p"),
    ("sshpass", "-p"),
    ("redis-cli", "-a"),
    ("docker login", "-p"),
    ("podman login", "-p"),
    ("mongo", "-p"),
    ("mongosh", "-p"),
    ("mongodump", "-p"),
    ("sqlcmd", "-P"),
    ("ldapsearch", "-w"),
    ("ldapadd", "-w"),
    ("ldapmodify", "-w"),
    ("curl", "-u"),
    ("curl", "--user"),
    ("curl", "--proxy-user"),
    ("wget", "--password"),
    ("psql", "--password"),
    ("smbclient", "-U"),
    ("htpasswd", "-b"),
];

/// Programs whose `-p` takes no word of its own: `mysql -p` asks for the password.
const JOINED_ONLY: &[&str] = &["mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-admin", "mariadb-dump"];

/// The history of a shell or a database client, one command a line.
pub(super) fn history(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text) {
        // zsh: `: 1700000000:0;command`; fish: `- cmd: command`.
        let line = match line.strip_prefix(b": ") {
            Some(rest) => rest.splitn(2, |byte| *byte == b';').nth(1).unwrap_or(line),
            None => line.strip_prefix(b"- cmd: ").unwrap_or(line),
        };
        secrets(line, &mut |name, value| sink.add("command-credential", name, value, Confidence::Medium));
        for value in statements(line) {
            sink.add("command-credential", b"IDENTIFIED BY", value, Confidence::Medium);
        }
    }
    Ok(())
}

/// Passwords in SQL: `IDENTIFIED BY '…'`, `PASSWORD '…'`.
fn statements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lower = line.to_ascii_lowercase();
    let places = [&b"identified by "[..], b" password "]
        .map(|word| memchr::memmem::find(&lower, word).map(|at| at + word.len()));
    places.into_iter().flatten().filter_map(|at| {
        let (quote, rest) = line.get(at..)?.trim_ascii_start().split_first()?;
        let end = memchr::memchr(*quote, rest)?;
        rest.get(..end).filter(|_| matches!(quote, b'\'' | b'"'))
    })
}

/// Calls `secret(name, value)` for each secret that a command is given.
pub(in crate::secret) fn secrets(command: &[u8], secret: &mut impl FnMut(&[u8], &[u8])) {
    let words: Vec<&[u8]> = words(command).take(MAX_WORDS).collect();
    let mut program: &[u8] = b"";
    let mut first = true;
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).copied().unwrap_or_default();
        if matches!(*word, b"&&" | b"||" | b"|" | b";") {
            first = true;
            continue;
        }
        if let Some((name, value)) = assignment(word) {
            if names::is_secret(name) && !value.is_empty() {
                secret(name, unquote(value));
            }
            continue;
        }
        if first && !is_lead(word) {
            program = word.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            // Their other commands have a `-p` for ports.
            program = match (program, next) {
                (b"docker", b"login") => b"docker login",
                (b"podman", b"login") => b"podman login",
                (program, _) => program,
            };
            first = false;
        }
        if word.starts_with(b"-") {
            option(program, word, next, secret);
        }
    }
}

/// Words that stand before a program.
fn is_lead(word: &[u8]) -> bool {
    matches!(
        word,
        b"sudo"
            | b"env"
            | b"exec"
            | b"time"
            | b"export"
            | b"set"
            | b"RUN"
            | b"CMD"
            | b"CMD-SHELL"
            | b"ENTRYPOINT"
            | b"ENV"
            | b"ARG"
            | b"/bin/sh"
            | b"sh"
            | b"bash"
            | b"/bin/bash"
            | b"-c"
            | b"-lc"
            | b"-ec"
    ) || word.starts_with(b"#(nop)")
}

fn option(program: &[u8], word: &[u8], next: &[u8], secret: &mut impl FnMut(&[u8], &[u8])) {
    let (name, joined) = match memchr::memchr(b'=', word) {
        Some(equals) => (word.get(..equals).unwrap_or_default(), word.get(equals + 1..)),
        None => (word, None),
    };
    let is = |known: &&str| known.as_bytes() == name;
    if OPTIONS.iter().any(is) {
        return secret(name, unquote(joined.unwrap_or(if next.starts_with(b"-") { b"" } else { next })));
    }
    let of_program = SHORT.iter().filter(|(known, _)| known.as_bytes() == program);
    for (_, flag) in of_program {
        let Some(rest) = word.strip_prefix(flag.as_bytes()) else { continue };
        let long = flag.starts_with("--");
        let alone = JOINED_ONLY.iter().any(|known| known.as_bytes() == program);
        let value = match rest {
            [] if alone => continue,
            [] => next,
            [b'=', value @ ..] => value,
            _ if long => continue,
            value => value,
        };
        // `-u user:password`, `-U user%password`: the user is no secret.
        let value = unquote(value);
        let credentials = matches!(*flag, "-u" | "--user" | "--proxy-user" | "-U");
        let mark = if *flag == "-U" { b'%' } else { b':' };
        let value = match (credentials, memchr::memchr(mark, value)) {
            (true, Some(colon)) => value.get(colon + 1..).unwrap_or_default(),
            (true, None) => b"",
            (false, _) => value,
        };
        return secret(flag.as_bytes(), value);
    }
}

/// `NAME=value`, with a name of a shell's.
fn assignment(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = memchr::memchr(b'=', word)?;
    let (name, value) = (word.get(..equals)?, word.get(equals + 1..)?);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    (!name.is_empty() && !name.first().is_some_and(u8::is_ascii_digit) && name.iter().all(plain))
        .then_some((name, value))
}

/// Words as a shell splits them, near enough: quotes keep blanks, and stay.
fn words(command: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = command;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let mut quote = None;
        let end = rest.iter().position(|byte| {
            match (quote, byte) {
                (None, b'\'' | b'"') => quote = Some(*byte),
                (Some(open), byte) if open == *byte => quote = None,
                (None, byte) if byte.is_ascii_whitespace() || *byte == b';' => return true,
                _ => {}
            }
            false
        });
        let (word, after) = match end {
            // A semicolon is a word of its own.
            Some(0) => rest.split_at_checked(1)?,
            Some(end) => rest.split_at_checked(end)?,
            None => (rest, &b""[..]),
        };
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(command: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        secrets(command.as_bytes(), &mut |name, value| {
            if !value.is_empty() {
                found.push((text(name), text(value)));
            }
        });
        found
    }

    #[test]
    fn passwords_on_command_lines_are_found() {
        for (command, name, value) in [
            ("PGPASSWORD=s3same psql -h db", "PGPASSWORD", "s3same"),
            ("export DB_PASSWORD='two words'", "DB_PASSWORD", "two words"),
            ("mysql -uroot -ps3same -h db", "-p", "s3same"),
            ("sudo mysqladmin ping -ps3same", "-p", "s3same"),
            ("curl -u me:s3same https://acme.net", "-u", "s3same"),
            ("curl --user \"me:s3same\" x", "--user", "s3same"),
            ("docker login -u me -p s3same registry", "-p", "s3same"),
            ("sshpass -p s3same ssh me@host", "-p", "s3same"),
            ("redis-cli -a s3same ping || exit 1", "-a", "s3same"),
            ("cd /x; vault login --token=s3same", "--token", "s3same"),
            ("keytool -list -storepass s3same", "-storepass", "s3same"),
        ] {
            assert_eq!(found(command), [(name.to_owned(), value.to_owned())], "{command}");
        }
    }

    #[test]
    fn other_options_are_none() {
        for command in [
            "docker run -p 127.0.0.1:8080:80 x",
            "mysql -p -h db",
            "mkdir -p /srv/app",
            "curl -u me x",
            "cp -p a b",
            "PATH=/bin make",
            "tar -p x",
        ] {
            assert_eq!(found(command), [], "{command}");
        }
    }
}
