//! Gradle's lock files: `gradle.lockfile`, `buildscript-gradle.lockfile`, and a file a configuration in `gradle/dependency-locks` before Gradle 6.
//!
//! Source: Gradle User Manual, "Locking Versions". `verification-metadata.xml` lists all that was ever checked, so it says nothing of what is used, and is not read.

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::PackageKind;

pub(in crate::inspect) static GRADLE: LockFile = LockFile {
    meta: &Meta {
        name: "language/gradle-lock",
        summary: "artifacts locked by Gradle",
        required: false,
        doc: "**Reads** `gradle.lockfile`, `buildscript-gradle.lockfile` and `gradle/dependency-locks/*.lockfile`, up to 8 MiB.\n\n**Reports** every artifact; those of test configurations and of the build script alone \
              are for development.\n\n**Cannot see** configurations that are not locked; `verification-metadata.xml`, which lists what was ever checked and not what is used.\n\n**Since** 0.2.0",
    },
    is_named: |entry| {
        matches!(entry.name(), b"gradle.lockfile" | b"buildscript-gradle.lockfile")
            || entry.name().ends_with(b".lockfile")
                && memchr::memmem::find(entry.path, b"gradle/dependency-locks/").is_some()
    },
    parse,
};

/// `group:artifact:version=configuration,configuration`; in the old format the file is the configuration.
fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (module, configurations) = line.split_once('=').map_or((line, None), |(module, rest)| (module, Some(rest)));
        // The configurations without any artifact.
        if module == "empty" {
            continue;
        }
        match module.rsplit_once(':').filter(|(name, _)| name.matches(':').count() == 1) {
            Some((name, version)) => {
                let is_development = configurations.is_some_and(|list| list.split(',').all(is_for_development));
                found.package(PackageKind::Maven, name, version, scope(is_development));
            }
            None => found.open(format_args!("`{line}`")),
        }
    }
    Ok(())
}

/// `classpath` is that of the build script.
fn is_for_development(configuration: &str) -> bool {
    configuration == "classpath" || configuration.starts_with("test")
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn configurations() {
        let lock = "# This is a Gradle generated file for dependency locking.\norg.a:b:1.0=compileClasspath,testCompileClasspath\norg.c:d:2.0=testRuntimeClasspath\norg.p:plugin:3.0=classpath\norg.old:e:4.0\nempty=annotationProcessor\n";
        assert_eq!(
            packages(&GRADLE, lock),
            ["org.a:b 1.0", "org.c:d 2.0 dev", "org.old:e 4.0", "org.p:plugin 3.0 dev"]
        );
    }
}
