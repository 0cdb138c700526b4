//! What the specifications of this crate share: small logs, and short ways to read them.

use crate::{Case, Fault, Limits, Reader, XesError};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// The hand-made sample that the crate carries.
pub(crate) const SAMPLE: &str = include_str!("../samples/expenses.xes");

/// A log around these elements.
pub(crate) fn log(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<log xmlns=\"http://www.xes-standard.org/\">\n{inner}\n</log>\n"
    )
}

/// A case of this name around these elements.
pub(crate) fn trace(name: &str, inner: &str) -> String {
    format!("<trace><string key=\"concept:name\" value=\"{name}\"/>{inner}</trace>\n")
}

/// An event of this activity around these elements.
pub(crate) fn event(activity: &str, inner: &str) -> String {
    format!("<event><string key=\"concept:name\" value=\"{activity}\"/>{inner}</event>")
}

/// A good case, to see whether reading goes on.
pub(crate) fn good(name: &str) -> String {
    trace(name, &event("Request Payment", ""))
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

/// All items of a log whose header can be read.
#[track_caller]
pub(crate) fn items(log: impl AsRef<[u8]>) -> Vec<Result<Case, XesError>> {
    Reader::new(log.as_ref()).expect("the header can be read").collect()
}

/// All cases of a log in which nothing is wrong.
#[track_caller]
pub(crate) fn cases(log: impl AsRef<[u8]>) -> Vec<Case> {
    items(log).into_iter().collect::<Result<_, _>>().expect("nothing is wrong with the log")
}

/// The first error of a log, in its header or in a case.
#[track_caller]
pub(crate) fn first_error(log: impl AsRef<[u8]>) -> XesError {
    first_error_within(Limits::default(), log)
}

#[track_caller]
pub(crate) fn first_error_within(limits: Limits, log: impl AsRef<[u8]>) -> XesError {
    match Reader::with_limits(log.as_ref(), limits) {
        Err(error) => error,
        Ok(mut reader) => reader.find_map(Result::err).expect("something is wrong with the log"),
    }
}

/// The log consists of one spoilt case between two good ones: only the spoilt one is lost, and its error names it.
#[track_caller]
pub(crate) fn spoils_only_itself(limits: Limits, case: &str, expected: impl Fn(&Fault) -> bool) -> XesError {
    let text = log(&format!("{}{case}\n{}", good("before"), good("after")));
    let mut items: Vec<_> = Reader::with_limits(text.as_bytes(), limits).unwrap().collect();
    assert_eq!(items.len(), 3, "{items:?}");
    let names: Vec<_> = items.iter().flatten().map(|case| case.id.clone()).collect();
    assert_eq!(names, ["before", "after"]);
    let error = items.remove(1).unwrap_err();
    assert!(expected(error.fault()), "{error}");
    assert!(!error.is_fatal());
    assert_eq!(error.case_number(), Some(2));
    error
}
