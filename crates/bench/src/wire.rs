//! A connection that is kept open: one request after the other, as little of our own work around them as can be, because
//! the cores are shared with what is measured.

use crate::Fallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// How long the body is, in bytes.
    pub(crate) length: usize,
    /// Where what was done stands in its ledger.
    pub(crate) position: Option<String>,
    body: Vec<u8>,
}

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Fallible<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(16 << 10) })
    }

    /// Reads something; `headers` end their lines.
    pub(crate) async fn get(&mut self, path: &str, headers: &str) -> Fallible<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n")).await
    }

    /// Changes something.
    pub(crate) async fn put(&mut self, path: &str, headers: &str, body: &str) -> Fallible<Answer> {
        let length = body.len();
        self.send(&format!(
            "PUT {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    async fn send(&mut self, request: &str) -> Fallible<Answer> {
        self.stream.write_all(request.as_bytes()).await?;
        self.read.clear();
        let head = loop {
            self.read_more().await?;
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
        };
        let mut answer = Answer::of(std::str::from_utf8(&self.read[..head])?)?;
        let begins = head + 4;
        while self.read.len() < begins + answer.length {
            self.read_more().await?;
        }
        answer.body.extend_from_slice(&self.read[begins..]);
        Ok(answer)
    }

    async fn read_more(&mut self) -> Fallible<()> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err("a connection ended before its answer".into()),
            _ => Ok(()),
        }
    }
}

impl Answer {
    /// Reads the first line and the fields behind it.
    fn of(head: &str) -> Fallible<Self> {
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or("an answer has no status")?;
        let mut answer = Self { status: status.parse()?, length: 0, position: None, body: Vec::new() };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                answer.length = value.trim().parse()?;
            } else if name.eq_ignore_ascii_case("ledger-position") {
                answer.position = Some(value.trim().to_owned());
            }
        }
        Ok(answer)
    }

    /// Anything but success is not what is measured.
    pub(crate) fn done(self) -> Fallible<Self> {
        if self.status == 200 {
            return Ok(self);
        }
        Err(format!("a request was answered {}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers the requests of one connection with these pieces, one write each.
    async fn answering(answers: &'static [&'static [&'static str]]) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire::to(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for pieces in answers {
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                for piece in *pieces {
                    stream.write_all(piece.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        wire
    }

    #[tokio::test]
    async fn one_answer_after_the_other_is_read_to_its_end_however_it_is_cut() {
        let mut wire = answering(&[
            &["HTTP/1.1 200 OK\r\ncontent-le", "ngth: 5\r\nLedger-Position: 42\r\n\r\nhe", "llo"],
            &["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
        ])
        .await;
        let first = wire.get("/", "").await.unwrap().done().unwrap();
        assert_eq!((first.length, first.position.as_deref(), &*first.body), (5, Some("42"), b"hello".as_slice()));
        let second = wire.put("/", "", "{}").await.unwrap();
        assert_eq!((second.status, second.length), (404, 0));
        assert!(second.done().is_err());
        assert!(wire.get("/", "").await.is_err(), "the other end is gone");
    }
}
