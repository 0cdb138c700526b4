//! The files of this workspace.

use std::path::{Path, PathBuf};

/// A text file, named from the workspace's root with `/` between its parts.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

/// The workspace's root.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package has a folder of its own in the workspace")
}

/// Every text file below a folder of the workspace (`""` for all of it), in order, without what is built.
pub(super) fn below(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join(folder), &built(), &mut paths);
    paths.sort();
    paths.into_iter().filter_map(read).collect()
}

/// The same, only files whose name ends like this.
pub(super) fn ending(folder: &str, end: &str) -> Vec<Source> {
    below(folder).into_iter().filter(|source| source.path.ends_with(end)).collect()
}

/// What is made from the sources and is none of them.
pub(super) fn built() -> Vec<PathBuf> {
    let ignored = std::fs::read_to_string(root().join(".gitignore")).expect("the workspace has a .gitignore");
    ignored.lines().filter_map(|line| line.strip_prefix('/')).map(|name| root().join(name)).collect()
}

fn walk(folder: &Path, skipped: &[PathBuf], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the workspace can be listed") {
        let path = entry.expect("a folder of the workspace can be listed").path();
        let is_foreign = path.ends_with(".git") || path.ends_with("node_modules") || skipped.contains(&path);
        if path.is_dir() && !is_foreign {
            walk(&path, skipped, found);
        } else if path.is_file() && !is_foreign {
            found.push(path);
        }
    }
}

/// What is not UTF-8 is no text, and what is gone by now was a temporary file.
fn read(path: PathBuf) -> Option<Source> {
    let text = String::from_utf8(std::fs::read(&path).ok()?).ok()?;
    let name = path.strip_prefix(root()).expect("files are listed below the root").to_str()?.replace('\\', "/");
    Some(Source { path: name, text })
}
