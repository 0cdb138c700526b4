//! What our documents point to is there.

use super::sources::{Source, built, ending, root};
use std::path::Path;

/// The kinds of files that are ours when a name of one stands alone, without a folder.
const ALONE: &[&str] = &[".md", ".toml"];

/// A piece of a document, and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
struct Quoted {
    text: String,
    line: usize,
}

fn documents() -> Vec<Source> {
    ending("", ".md")
}

/// What stands in inline code, outside of fenced blocks.
fn spans(text: &str) -> Vec<Quoted> {
    let inline = |(line, paragraph): (usize, String)| {
        let parts = between(line, &paragraph, "`").into_iter();
        parts.skip(1).step_by(2).collect::<Vec<_>>()
    };
    paragraphs(text).into_iter().flat_map(inline).filter(|quoted| is_path(&quoted.text)).collect()
}

/// What links lead to within the repository.
fn links(text: &str) -> Vec<Quoted> {
    let targets = |(line, paragraph): (usize, String)| {
        let rests = between(line, &paragraph, "](").into_iter().skip(1);
        let target = |rest: &str| rest.split([')', '#']).next().unwrap_or_default().to_owned();
        rests.map(move |Quoted { text, line }| Quoted { text: target(&text), line }).collect::<Vec<_>>()
    };
    let is_ours = |path: &str| !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:");
    paragraphs(text).into_iter().flat_map(targets).filter(|quoted| is_ours(&quoted.text)).collect()
}

/// The parts of a paragraph between separators, each with the line on which it begins.
fn between(first_line: usize, paragraph: &str, separator: &str) -> Vec<Quoted> {
    let mut line = first_line;
    let mut parts = Vec::new();
    for part in paragraph.split(separator) {
        parts.push(Quoted { text: part.to_owned(), line });
        line += part.matches('\n').count();
    }
    parts
}

/// The paragraphs outside of fenced blocks, each with its first line: what is opened in one is closed in it.
fn paragraphs(text: &str) -> Vec<(usize, String)> {
    let mut paragraphs: Vec<(usize, String)> = Vec::new();
    let (mut fenced, mut goes_on) = (false, false);
    for (number, line) in text.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        if fenced || is_fence || line.trim().is_empty() {
            goes_on = false;
            continue;
        }
        match paragraphs.last_mut() {
            Some((_, paragraph)) if goes_on => *paragraph += &format!("\n{line}"),
            _ => paragraphs.push((number + 1, line.to_owned())),
        }
        goes_on = true;
    }
    paragraphs
}

/// Whether a span is meant as a path of ours: it begins in a folder of the root, or ends like a file that is looked for.
/// Placeholders and patterns (`<area>`, `*.sql`) are none, nor is what is built.
fn is_path(span: &str) -> bool {
    let plain = !span.is_empty() && span.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let Some(first) = span.split('/').next().filter(|first| plain && !first.is_empty()) else { return false };
    if built().iter().any(|built| built.ends_with(first)) {
        return false;
    }
    let ends_like_ours = ["rs", "md", "toml", "sql", "sh", "json", "xes"]
        .iter()
        .any(|end| span.rsplit_once('.').is_some_and(|(name, ending)| ending == *end && !name.is_empty()));
    match span.contains('/') {
        true => ends_like_ours || root().join(first).is_dir(),
        false => ALONE.iter().any(|end| span.ends_with(end)),
    }
}

#[test]
fn every_path_that_a_document_names_is_there() {
    for Source { path: document, text } in documents() {
        for Quoted { text: path, line } in spans(&text) {
            assert!(root().join(&path).exists(), "{document}:{line}: there is no {path}");
        }
        let folder = Path::new(&document).parent().expect("a file lies in a folder");
        for Quoted { text: path, line } in links(&text) {
            assert!(root().join(folder).join(&path).exists(), "{document}:{line}: there is no {path}");
        }
    }
}

#[test]
fn a_newcomer_finds_the_documents() {
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        assert!(root().join(document).exists(), "{document}");
    }
    let architecture = documents().into_iter().find(|source| source.path == "ARCHITECTURE.md");
    let lines = architecture.map_or(0, |source| source.text.lines().count());
    assert!((1..200).contains(&lines), "ARCHITECTURE.md is to be read in one sitting, and has {lines} lines");
}

#[test]
fn paths_are_told_from_other_code() {
    for path in ["crates/domain", "crates/domain/src/lib.rs", "crates/domain/src/gone.rs", "gone.md", "Cargo.toml"] {
        assert!(is_path(path), "{path}");
    }
    for other in [
        "cargo test",
        "Europe/Tallinn",
        "migrations/*.sql",
        "crates/<area>",
        "invoice.approved",
        "/v1/me",
        "target/debug",
        "",
    ] {
        assert!(!is_path(other), "{other}");
    }
}

#[test]
fn fenced_blocks_are_not_prose() {
    let text = "see `a/b.rs`\n```sh\ncat `c/d.rs`\n```\n`two\nlines` and `g/h.rs` and [that](e/f.md#part)";
    let quoted = |text: &str, line| Quoted { text: text.to_owned(), line };
    assert_eq!(spans(text), [quoted("a/b.rs", 1), quoted("g/h.rs", 6)]);
    assert_eq!(links(text), [quoted("e/f.md", 6)]);
}
