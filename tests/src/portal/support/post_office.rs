//! A mail server that takes every mail, and keeps what it took.

use super::letter::Letter;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct PostOffice {
    address: SocketAddr,
    taken: Taken,
}

type Taken = Arc<Mutex<Vec<Letter>>>;

impl PostOffice {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, taken) = (listener.local_addr().unwrap(), Taken::default());
        tokio::spawn(take_from_all(listener, taken.clone()));
        Self { address, taken }
    }

    /// How the program is told of it.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Every mail to somebody that was taken so far, as often as it was.
    pub(crate) fn letters(&self, to: &str) -> Vec<Letter> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|letter| letter.to.contains(to)).cloned().collect()
    }
}

async fn take_from_all(listener: TcpListener, taken: Taken) {
    while let Ok((stream, _)) = listener.accept().await {
        let taken = taken.clone();
        // Whoever dies in the middle of a mail has not sent it.
        tokio::spawn(async move { drop(take_from(stream, &taken).await) });
    }
}

/// Speaks as much SMTP as a mail needs.
async fn take_from(stream: TcpStream, taken: &Taken) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 ready\r\n").await?;
    let mut mail: Option<String> = None;
    while let Some(line) = lines.next_line().await? {
        match (&mut mail, line.as_str()) {
            (Some(text), ".") => {
                let letter = Letter::read(text).expect("a mail has a head and a body");
                taken.lock().unwrap().push(letter);
                mail = None;
                writer.write_all(b"250 taken\r\n").await?;
            }
            (Some(text), line) => *text += &format!("{}\r\n", line.strip_prefix('.').unwrap_or(line)),
            (None, "DATA") => {
                mail = Some(String::new());
                writer.write_all(b"354 go on\r\n").await?;
            }
            (None, _) => writer.write_all(b"250 fine\r\n").await?,
        }
    }
    Ok(())
}
