//! The text of a log, whichever way its bytes come: plain or gzipped, with or without a byte order mark.

use crate::fault::Fault;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Chain, Cursor, ErrorKind, Read};

/// A source whose first bytes have been looked at and put back.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// Enough to tell gzip and the encodings apart.
const PEEKED_BYTES: u64 = 4;

/// The text of a log from its first character.
pub(crate) struct Source<R: BufRead> {
    text: Peeked<Packing<R>>,
    /// The bytes of the byte order mark, which is no part of the text.
    pub(crate) mark_bytes: u64,
}

enum Packing<R: BufRead> {
    Plain(Peeked<R>),
    Gzip(Box<BufReader<MultiGzDecoder<Peeked<R>>>>),
}

impl<R: BufRead> Source<R> {
    /// Looks at the first bytes, not at any name, to see how the log is packed and encoded.
    pub(crate) fn open(bytes: R) -> Result<Self, Fault> {
        let (head, bytes) = peek(bytes)?;
        let packing = match head.starts_with(&[0x1f, 0x8b]) {
            true => Packing::Gzip(Box::new(BufReader::new(MultiGzDecoder::new(bytes)))),
            false => Packing::Plain(bytes),
        };
        let (head, mut text) = peek(packing)?;
        let mark_bytes = byte_order_mark(&head)?;
        text.get_mut().0.set_position(mark_bytes);
        Ok(Self { text, mark_bytes })
    }
}

fn peek<R: BufRead>(mut source: R) -> Result<(Vec<u8>, Peeked<R>), Fault> {
    let mut head = Vec::new();
    (&mut source).take(PEEKED_BYTES).read_to_end(&mut head).map_err(fault)?;
    Ok((head.clone(), Cursor::new(head).chain(source)))
}

/// How many bytes of a mark stand before the text. Refuses what is visibly not XML in UTF-8.
fn byte_order_mark(head: &[u8]) -> Result<u64, Fault> {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => Ok(3),
        [0xFF, 0xFE, 0, 0] | [0, 0, 0xFE, 0xFF] => Err(Fault::Encoding { encoding: "UTF-32".into() }),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Err(Fault::Encoding { encoding: "UTF-16".into() }),
        [b'<', 0, ..] | [0, b'<', ..] => Err(Fault::Encoding { encoding: "UTF-16".into() }),
        [b'<' | b' ' | b'\t' | b'\r' | b'\n', ..] => Ok(0),
        _ => Err(Fault::NotXml),
    }
}

/// The fault behind an error of reading: our own, if one of our layers raised it.
pub(crate) fn fault(error: io::Error) -> Fault {
    error.downcast().unwrap_or_else(Fault::Read)
}

impl<R: BufRead> Read for Packing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Packing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(bytes) => bytes.fill_buf(),
            Self::Gzip(unpacked) => unpacked.fill_buf().map_err(unpacking_failed),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Plain(bytes) => bytes.consume(amount),
            Self::Gzip(unpacked) => unpacked.consume(amount),
        }
    }
}

/// Tells bad data from a source that failed, by the kinds that the decoder answers.
fn unpacking_failed(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        return io::Error::other(Fault::GzipTruncated);
    }
    if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) {
        return io::Error::other(Fault::GzipDamaged);
    }
    error
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.text.read(into)
    }
}

impl<R: BufRead> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.text.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.text.consume(amount);
    }
}
