//! What docs/signing.md tells its reader to type does what it says.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::world::Layout;

/// Every block of the page that begins with `# tested`, in order, in one folder that has the image `build/image`.
#[test]
fn commands_of_the_page_work() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/signing.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> =
        page.split("```sh\n# tested\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4, "the page has commands");
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::sample();
    std::fs::create_dir(folder.path().join("build")).unwrap();
    symlink(layout.path(), folder.path().join("build/image")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_imgguard"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for block in blocks {
        let mut shell = Command::new("sh");
        shell.args(["-ec", block]).current_dir(folder.path()).env("PATH", &path);
        shell.env("IMGGUARD_KEY_PASSWORD", "example").env("HOME", folder.path());
        let output = shell.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{block}\n{}{}", text(&output.stdout), text(&output.stderr));
    }
}
