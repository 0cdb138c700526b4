//! Mail that was not sent: files in the data folder.

use std::path::Path;

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) message_id: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Letter {
    /// Every mail of a folder that is written to its end.
    pub(crate) fn all_in(folder: &Path) -> Vec<Self> {
        let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        files.filter_map(|file| Self::read(&std::fs::read_to_string(file).ok()?)).collect()
    }

    /// A mail as it is written; nothing where it is not written to its end.
    pub(crate) fn read(mail: &str) -> Option<Self> {
        let (head, body) = mail.split_once("\r\n\r\n")?;
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let is_quoted = header("Content-Transfer-Encoding: ").is_some_and(|encoding| encoding == "quoted-printable");
        let text = if is_quoted { unquoted(body) } else { body.to_owned() };
        let (message_id, to, subject) = (header("Message-ID: ")?, header("To: ")?, header("Subject: ")?);
        let letter = Self { message_id, to, subject, text };
        letter.text.ends_with('\n').then_some(letter)
    }

    /// The secret of the link in it: what stands behind the `#`.
    pub(crate) fn token(&self) -> Option<String> {
        let link = self.text.split_whitespace().find(|word| word.starts_with("http"))?;
        link.split_once('#').map(|(_, token)| token.to_owned())
    }
}

/// Quoted-printable text as it was before.
fn unquoted(text: &str) -> String {
    let mut bytes = Vec::new();
    let joined = text.replace("=\r\n", "");
    let mut rest = joined.as_bytes();
    while let [first, others @ ..] = rest {
        let (byte, left) = match (first, others) {
            (b'=', [high, low, left @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("two digits follow");
                (u8::from_str_radix(digits, 16).expect("they are hexadecimal"), left)
            }
            (byte, left) => (*byte, left),
        };
        bytes.push(byte);
        rest = left;
    }
    String::from_utf8(bytes).expect("mail is UTF-8")
}
