//! Links that `update-alternatives` keeps, as far as it matters whether a call of it would change any.

use super::super::Found;
use super::super::stage::Stage;

/// Largest file of an alternative.
const MAX_BYTES: u64 = 1 << 20;

/// Whether `--install LINK NAME PATH PRIORITY [--slave LINK NAME PATH]…` asks for what is there: then it does nothing.
pub(super) fn has(stage: &Stage<'_>, arguments: &[Option<String>]) -> bool {
    let words: Option<Vec<&str>> = arguments.iter().map(|word| word.as_deref()).collect();
    let Some(["--install", link, name, path, priority, slaves @ ..]) = words.as_deref() else { return false };
    let Some(slaves) = slaves_of(slaves) else { return false };
    let table = format!("var/lib/dpkg/alternatives/{name}");
    let text = stage.read(table.as_bytes(), MAX_BYTES).and_then(Result::ok).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let leads = |path: &str, target: Option<&str>| {
        let place = stage.landing(path.trim_start_matches('/').as_bytes());
        match place.and_then(|place| stage.at(&place)) {
            Some(Found::Symlink(own)) => target.is_none_or(|target| own == target.as_bytes()),
            _ => false,
        }
    };
    let own = format!("/etc/alternatives/{name}");
    let is_linked = leads(link, Some(&own)) && leads(&own, None);
    is_linked && Alternatives::parse(&text).is_some_and(|known| known.has(link, (path, priority), &slaves))
}

/// `--slave LINK NAME PATH` as name, link and path; none when there is anything else.
fn slaves_of<'w>(words: &[&'w str]) -> Option<Vec<(&'w str, &'w str, &'w str)>> {
    let slave = |words: &[&'w str]| match words {
        ["--slave", link, name, path] => Some((*name, *link, *path)),
        _ => None,
    };
    words.chunks(4).map(slave).collect()
}

/// A file of `/var/lib/dpkg/alternatives`: the mode, the link, names and links of slaves, an empty line; then for each alternative its path, its priority and the paths of its slaves, each in a line of
/// its own.
///
/// Source: update-alternatives(1); dpkg's `utils/update-alternatives.c`.
struct Alternatives<'t> {
    link: &'t str,
    /// Names and links.
    slaves: Vec<(&'t str, &'t str)>,
    lines: Vec<&'t str>,
}

impl<'t> Alternatives<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (head, alternatives) = text.split_once("\n\n")?;
        let mut head = head.lines().skip(1);
        let link = head.next()?;
        let mut slaves = Vec::new();
        while let Some(name) = head.next() {
            slaves.push((name, head.next()?));
        }
        Some(Self { link, slaves, lines: alternatives.lines().collect() })
    }

    /// Whether an alternative is there just so; a slave that is not asked for has an empty line.
    fn has(&self, link: &str, alternative: (&str, &str), slaves: &[(&str, &str, &str)]) -> bool {
        let (path, priority) = alternative;
        let mut blocks = self.lines.chunks(2 + self.slaves.len());
        let block = blocks.find(|block| block.first() == Some(&path) && block.get(1) == Some(&priority));
        let Some(block) = block.filter(|_| self.link == link) else { return false };
        let is_known = |(name, ..): &(&str, &str, &str)| self.slaves.iter().any(|(known, _)| known == name);
        let is_so = |((name, link), own): (&(&str, &str), &&str)| {
            let asked = slaves.iter().find(|(other, ..)| other == name);
            asked.map_or(own.is_empty(), |(_, asked, path)| asked == link && path == own)
        };
        slaves.iter().all(is_known) && self.slaves.iter().zip(block.iter().skip(2)).all(is_so)
    }
}
