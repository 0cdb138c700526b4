//! How large a log's parts may be. A file may be of any size; a case may not.

/// The limits a reader holds a log to, so that no file can exhaust memory.
///
/// All but [`Limits::token_bytes`] cost only the case that exceeds them. In the log's header any of them ends reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps in one case.
    pub steps_per_case: usize,
    /// Attributes in one case, those of its steps and nested ones included.
    pub attributes_per_case: usize,
    /// Bytes of text in one case: the keys and values of all its attributes, unescaped, as UTF-8.
    pub case_bytes: usize,
    /// Bytes of one key or one value.
    pub value_bytes: usize,
    /// How deep attributes may be nested in each other; 1 allows none inside another.
    pub attribute_depth: usize,
    /// Bytes of one piece of markup (a tag with its XML attributes, a comment, the text between two tags). A longer piece
    /// is not held in memory to find its end, so it ends reading.
    pub token_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps_per_case: 10_000,
            attributes_per_case: 250_000,
            case_bytes: 8 * 1024 * 1024,
            value_bytes: 1024 * 1024,
            attribute_depth: 16,
            token_bytes: 16 * 1024 * 1024,
        }
    }
}
