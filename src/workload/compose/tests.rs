use std::collections::BTreeMap;

use super::*;
use crate::workload::port::Port;
use crate::workload::{Container, Logging, Namespace, Restart, Setting};

struct Memory(BTreeMap<String, String>);

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| "there is no such file".to_owned())
    }
}

fn read(files: &[(&str, &str)], of: &[&str]) -> Result<Workload, WorkloadError> {
    let memory = Memory(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect());
    let project = Project { files: of.iter().map(|path| (*path).to_owned()).collect(), ..Project::default() };
    load(&project, &memory)
}

fn one(text: &str) -> Container {
    read(&[("compose.yaml", text)], &["compose.yaml"]).unwrap().containers.remove(0)
}

fn values<T: Clone>(settings: &[Setting<T>]) -> Vec<T> {
    settings.iter().map(|setting| setting.value.clone().unwrap()).collect()
}

fn value<T: Clone>(setting: &Option<Setting<T>>) -> T {
    setting.as_ref().unwrap().value.clone().unwrap()
}

#[test]
fn settings_of_both_syntaxes() {
    let text = r#"
services:
  web:
    image: "nginx:1.27@sha256:0"
    build: {context: ./app, dockerfile: Dockerfile.web, target: run}
    privileged: yes
    user: 1000:1000
    read_only: true
    cap_add: [CAP_NET_ADMIN, sys_time]
    cap_drop: [ALL]
    security_opt: [no-new-privileges, seccomp:unconfined, "label=disable"]
    ports: ["127.0.0.1:80:8080", {target: 53, published: "5353", protocol: udp, host_ip: 10.0.0.1}, 9000]
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - {type: bind, source: /etc, target: /host/etc, read_only: true, bind: {propagation: rshared}}
      - data:/data
      - {type: tmpfs, target: /tmp}
    network_mode: host
    pid: "service:db"
    environment: [A=1, B, "C=x=y"]
    deploy: {resources: {limits: {memory: 1g, cpus: "0.5"}}, restart_policy: {condition: on-failure, max_attempts: 3}}
    pids_limit: 10
    healthcheck: {test: [NONE]}
    logging: {driver: none, options: {max-size: 1m}}
    devices: ["/dev/mem:/dev/mem:rwm"]
    tmpfs: /run:exec
volumes:
  data: {driver_opts: {type: none, o: "bind,rw", device: /srv}}
"#;
    let web = one(text);
    assert_eq!((web.name.as_str(), value(&web.image).as_str()), ("web", "nginx:1.27@sha256:0"));
    let build = value(&web.build);
    assert_eq!((build.dockerfile.as_deref(), build.target.as_deref()), (Some("app/Dockerfile.web"), Some("run")));
    assert_eq!((value(&web.privileged), value(&web.user).as_str(), value(&web.read_only)), (true, "1000:1000", true));
    assert_eq!(
        (values(&web.added), values(&web.dropped)),
        (vec!["NET_ADMIN".to_owned(), "SYS_TIME".to_owned()], vec!["ALL".to_owned()])
    );
    assert!(value(&web.no_new_privileges));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(values(&web.confinement), [pair("seccomp", "unconfined"), pair("label", "disable")]);
    let ports: Vec<Port> = values(&web.ports);
    assert_eq!(
        ports.iter().map(|port| (port.published, port.is_public())).collect::<Vec<_>>(),
        [(Some((80, 80)), false), (Some((5353, 5353)), true), (None, true)]
    );
    let mounts = values(&web.mounts);
    let seen: Vec<_> =
        mounts.iter().map(|mount| (mount.host.as_deref(), mount.target.as_str(), mount.read_only)).collect();
    assert_eq!(
        seen,
        [
            (Some("/var/run/docker.sock"), "/var/run/docker.sock", true),
            (Some("/etc"), "/host/etc", true),
            (Some("/srv"), "/data", false),
            (None, "/tmp", false)
        ]
    );
    assert_eq!(mounts[1].propagation.as_deref(), Some("rshared"));
    assert_eq!(
        values(&web.namespaces),
        [(Namespace::Network, "host".to_owned()), (Namespace::Pid, "service:db".to_owned())]
    );
    let env: Vec<_> = web.env.iter().filter_map(|setting| setting.value.clone()).collect();
    assert_eq!(env, [pair("A", "1"), pair("C", "x=y")]);
    assert_eq!((value(&web.memory).as_str(), value(&web.cpu).as_str(), value(&web.pids).as_str()), ("1g", "0.5", "10"));
    assert_eq!(
        (value(&web.health), value(&web.restart)),
        (false, Restart { policy: "on-failure".into(), attempts: Some(3) })
    );
    assert_eq!(value(&web.logging), Logging { driver: Some("none".into()), options: vec![pair("max-size", "1m")] });
    assert_eq!((values(&web.devices), values(&web.tmpfs)), (vec!["/dev/mem".to_owned()], vec!["/run:exec".to_owned()]));
    // A setting's place is the setting.
    let at = |place: &yaml::Place| &text[place.span.clone()];
    assert_eq!(
        (at(&web.at), at(&web.privileged.as_ref().unwrap().at), at(&web.ports[0].at)),
        ("web", "privileged: yes", "\"127.0.0.1:80:8080\"")
    );
}

#[test]
fn what_depends_on_unknown_variables_is_neither_here_nor_there() {
    let web = one(
        "services:\n  web:\n    image: app:${TAG}\n    privileged: ${P}\n    user: ${U:-1000}\n    environment: {PW: \"${PW}\", Q: \"${Q:-hunter2}\"}\n",
    );
    assert_eq!(
        (web.image.unwrap().value, web.privileged.unwrap().value, web.user.unwrap().value.as_deref()),
        (None, None, Some("1000"))
    );
    let env: Vec<String> = web.env.iter().map(|setting| setting.value.clone().unwrap().1).collect();
    assert_eq!(env, ["${PW}", "hunter2"], "as the file itself says");
}

#[test]
fn values_of_env_files_count_but_are_not_the_files_own() {
    let files = [
        ("d/compose.yaml", "services:\n  web: {image: \"a:$TAG\", environment: [\"PW=$PW\"]}\n"),
        ("d/.env", "TAG=1.2\nPW=hunter2\n"),
    ];
    let web = read(&files, &["d/compose.yaml"]).unwrap().containers.remove(0);
    assert_eq!(value(&web.image), "a:1.2");
    assert_eq!(values(&web.env), [("PW".to_owned(), "${PW}".to_owned())]);
}

#[test]
fn later_files_count() {
    let base = "services:\n  web:\n    image: a:1\n    command: [x, y]\n    environment: {A: '1', B: '2'}\n    ports: ['80:80', '81:81']\n    volumes: ['/a:/data', 'vol:/v']\n    cap_add: [SYS_TIME]\n    privileged: true\n    logging: {driver: syslog, options: {a: b}}\n";
    let over = "services:\n  web:\n    command: z\n    environment: ['B=3', 'C=4']\n    ports: ['81:81', '82:82']\n    volumes: ['/b:/data:ro']\n    cap_add: !reset null\n    privileged: !reset false\n    logging: {driver: local}\n  db: {image: d}\n";
    let workload = read(&[("a.yaml", base), ("b.yaml", over)], &["a.yaml", "b.yaml"]).unwrap();
    let [web, db] = workload.containers.as_slice() else { panic!() };
    assert_eq!(db.name, "db");
    let env: Vec<_> = values(&web.env).into_iter().map(|(name, value)| name + &value).collect();
    assert_eq!(
        (values(&web.commands), env),
        (vec!["z".to_owned()], vec!["A1".to_owned(), "B3".to_owned(), "C4".to_owned()])
    );
    assert_eq!(values(&web.ports).iter().map(|port| port.published.unwrap().0).collect::<Vec<_>>(), [80, 81, 82]);
    let mounts: Vec<_> =
        values(&web.mounts).into_iter().map(|mount| (mount.host.or(mount.volume).unwrap(), mount.read_only)).collect();
    assert_eq!(mounts, [("/b".to_owned(), true), ("vol".to_owned(), false)]);
    assert!(web.added.is_empty() && web.privileged.is_none());
    assert_eq!(value(&web.logging), Logging { driver: Some("local".into()), options: Vec::new() });
    assert_eq!((web.ports[0].at.file, web.ports[2].at.file), (0, 1), "each setting stands where it was written");
    let replaced = read(
        &[("a.yaml", base), ("b.yaml", "services:\n  web:\n    ports: !override ['9:9']\n")],
        &["a.yaml", "b.yaml"],
    )
    .unwrap();
    assert_eq!(replaced.containers[0].ports.len(), 1);
}

#[test]
fn services_have_what_they_extend() {
    let files = [
        (
            "app/compose.yaml",
            "services:\n  web:\n    extends: {file: ../common/base.yaml, service: base}\n    cap_add: [SYS_TIME]\n  other:\n    extends: web\n    image: o\n",
        ),
        (
            "common/base.yaml",
            "services:\n  base:\n    extends: {service: root}\n    image: b\n    cap_add: [NET_ADMIN]\n  root: {privileged: true, build: .}\n",
        ),
    ];
    let workload = read(&files, &["app/compose.yaml"]).unwrap();
    let [web, other] = workload.containers.as_slice() else { panic!() };
    assert_eq!(
        (value(&web.image).as_str(), value(&web.privileged), values(&web.added).join(" ")),
        ("b", true, "NET_ADMIN SYS_TIME".into())
    );
    assert_eq!((value(&other.image).as_str(), value(&other.privileged)), ("o", true));
    assert_eq!(value(&web.build).dockerfile.as_deref(), Some("common/Dockerfile"), "from where it was written");
    assert_eq!(workload.files[web.privileged.as_ref().unwrap().at.file].path, "common/base.yaml");
}

#[test]
fn projects_have_what_they_include() {
    let files = [
        (
            "compose.yaml",
            "include:\n  - db/compose.yaml\n  - {path: [cache/a.yaml, cache/b.yaml], env_file: cache/vars}\nservices:\n  web: {image: w}\n",
        ),
        (
            "db/compose.yaml",
            "services:\n  db: {image: \"d:${V:-0}\", volumes: ['xx:/x']}\nvolumes:\n  xx: {driver_opts: {o: bind, device: /}}\n",
        ),
        ("db/.env", "V=5\n"),
        ("cache/a.yaml", "services:\n  cache: {image: \"c:$V\"}\n"),
        ("cache/b.yaml", "services:\n  cache: {privileged: true}\n"),
        ("cache/vars", "V=7\n"),
    ];
    let workload = read(&files, &["compose.yaml"]).unwrap();
    let images: Vec<_> = workload.containers.iter().map(|container| value(&container.image)).collect();
    assert_eq!(images, ["w", "d:5", "c:7"]);
    assert_eq!(values(&workload.containers[1].mounts)[0].host.as_deref(), Some("/"));
    assert!(value(&workload.containers[2].privileged));
}

#[test]
fn what_cannot_be_read_is_told() {
    let error = |files: &[(&str, &str)]| read(files, &["compose.yaml"]).unwrap_err().to_string();
    let circle = error(&[("compose.yaml", "services:\n  a: {extends: b}\n  b: {extends: a}\n")]);
    assert_eq!(circle, "compose.yaml: a circle of extends: a → b → a");
    let circle = error(&[("compose.yaml", "include: [x.yaml]\n"), ("x.yaml", "include: [compose.yaml]\n")]);
    assert_eq!(circle, "x.yaml: a circle of include: compose.yaml → x.yaml → compose.yaml");
    let circle = error(&[("compose.yaml", "include: compose.yaml\n")]);
    assert!(circle.contains("circle"), "{circle}");
    for (text, expected) in [
        ("services:\n  a: {extends: nobody}\n", "`a` extends `nobody`, which is not there"),
        ("services: [a]\n", "services must be a table"),
        ("services:\n  a: [b]\n", "the service `a` must be a table"),
        ("- a\n", "the file must be a table"),
        ("a: b: c\n", "line 1"),
    ] {
        let error = error(&[("compose.yaml", text)]);
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(read(&[("compose.yaml", "")], &["compose.yaml"]).unwrap().containers.is_empty());
}

#[test]
fn what_is_there_is_read_even_if_a_part_is_missing() {
    let text = "include: [gone.yaml, ../out.yaml]\nservices:\n  a: {image: a, extends: {file: ../x.yaml, service: a}}\n  b: {image: b, extends: {file: /etc/passwd, service: a}}\n  c: {image: c}\n  d: {privileged: true}\n";
    let workload = read(&[("compose.yaml", text)], &["compose.yaml"]).unwrap();
    let parts: Vec<_> =
        workload.containers.iter().map(|container| (container.name.as_str(), container.is_part)).collect();
    assert_eq!(parts, [("a", true), ("b", true), ("c", false), ("d", true)]);
    let unread: Vec<String> = workload.unread.iter().map(ToString::to_string).collect();
    assert_eq!(unread.len(), 4);
    assert!(unread.iter().filter(|error| error.contains("lies outside")).count() == 3, "{unread:?}");
    assert!(
        unread.iter().any(|error| error == "compose.yaml: `gone.yaml` cannot be read: there is no such file"),
        "{unread:?}"
    );
}
