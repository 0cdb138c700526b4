//! As much of Postgres' protocol as a test needs: sign in over the socket, ask, read the first column.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use countersign_embedded::Connection;

/// The version of the protocol, 3.0.
const PROTOCOL: u32 = 3 << 16;

/// A connection to the server.
pub(crate) struct Client(UnixStream);

impl Client {
    pub(crate) fn connect(connection: &Connection) -> Self {
        Self::try_connect(connection).unwrap()
    }

    pub(crate) fn try_connect(connection: &Connection) -> io::Result<Self> {
        let socket = connection.socket_dir.join(format!(".s.PGSQL.{}", connection.port));
        let mut client = Self(UnixStream::connect(socket)?);
        let parameters = format!("user\0{}\0database\0{}\0\0", connection.user, connection.database);
        client.send(&[&PROTOCOL.to_be_bytes(), parameters.as_bytes()].concat())?;
        client.answer()?;
        Ok(client)
    }

    /// Runs statements and gives the first column of all rows.
    pub(crate) fn ask(&mut self, sql: &str) -> Vec<String> {
        self.try_ask(sql).unwrap()
    }

    pub(crate) fn try_ask(&mut self, sql: &str) -> io::Result<Vec<String>> {
        self.begin(sql)?;
        self.answer()
    }

    /// Sends statements without waiting for their answer.
    pub(crate) fn begin(&mut self, sql: &str) -> io::Result<()> {
        self.0.write_all(b"Q")?;
        self.send(format!("{sql}\0").as_bytes())
    }

    /// A message without its letter: the length, itself included, and the body.
    fn send(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4).unwrap();
        self.0.write_all(&[&length.to_be_bytes(), body].concat())
    }

    /// Reads messages until the server is ready for the next question.
    fn answer(&mut self) -> io::Result<Vec<String>> {
        let mut rows = Vec::new();
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head)?;
            let [letter, length @ ..] = head;
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            self.0.read_exact(&mut body)?;
            match letter {
                b'D' => rows.push(first_column(&body)),
                b'E' => return Err(io::Error::other(String::from_utf8_lossy(&body).replace('\0', " "))),
                b'Z' => return Ok(rows),
                _ => {}
            }
        }
    }
}

/// A row is the number of its columns, then each with its length before it.
fn first_column(body: &[u8]) -> String {
    let length = u32::from_be_bytes(body[2..6].try_into().unwrap()) as usize;
    String::from_utf8(body[6..6 + length].to_vec()).unwrap()
}
