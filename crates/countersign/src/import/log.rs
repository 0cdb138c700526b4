//! A log that is about to be imported: its file, opened, and its name.

use crate::failure::Failure;
use countersign_domain::values::Label;
use countersign_xes::Reader;
use indicatif::{ProgressBar, ProgressBarIter, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::Path;

/// Read from the disk in pieces of this size.
const PIECE_BYTES: usize = 256 * 1024;

/// A file's cases, and how far it has been read.
pub(crate) type Cases = Reader<BufReader<ProgressBarIter<File>>>;

/// A log whose file is open and whose header has been read.
pub(crate) struct Log {
    pub(crate) name: Label,
    pub(crate) cases: Cases,
    /// Hidden until it is asked for.
    pub(crate) bar: ProgressBar,
}

impl Log {
    /// Opens a file. Its name is the one given here, or else the one that the log gives itself, or else the file's.
    pub(crate) fn open(path: &Path, name: Option<&Label>) -> Result<Self, Failure> {
        let shown = path.display();
        let unreadable = |error| Failure::because(&format!("{shown} cannot be opened"), error);
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        let cases = Reader::new(BufReader::with_capacity(PIECE_BYTES, bar.wrap_read(file)))
            .map_err(|error| Failure::because(&format!("{shown} is no log that can be read"), error))?;
        let name = match name {
            Some(name) => name.clone(),
            None => own_name(path, &cases)?,
        };
        Ok(Self { name, cases, bar })
    }

    /// Draws the progress on the terminal, if anybody looks at it.
    pub(crate) fn show_progress(&self) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {elapsed} (eta {eta})";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style.progress_chars("=> "));
        self.bar.set_message(self.name.to_string());
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

fn own_name(path: &Path, cases: &Cases) -> Result<Label, Failure> {
    let name = cases.header().name.clone().unwrap_or_else(|| stem(path));
    Label::parse(&name).map_err(|error| {
        Failure::say(format!("{}: the log's name cannot be kept ({error}); name it with --log", path.display()))
    })
}

/// The file's name without what says how it is packed.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let unpacked = name.strip_suffix(".gz").unwrap_or(&name);
    [".xes", ".xml"].iter().find_map(|suffix| unpacked.strip_suffix(suffix)).unwrap_or(unpacked).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_without_a_name_of_its_own_is_called_like_its_file() {
        for (file, name) in [
            ("/logs/DomesticDeclarations.xes.gz", "DomesticDeclarations"),
            ("claims.xes", "claims"),
            ("claims.2025.xml", "claims.2025"),
            ("claims", "claims"),
        ] {
            assert_eq!(stem(Path::new(file)), name);
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_said_to_be_missing() {
        let failure = Log::open(Path::new("nowhere.xes"), None).err().unwrap();
        let line = format!("{failure:?}");
        assert!(line.contains("nowhere.xes cannot be opened: No such file"), "{line}");
    }
}
