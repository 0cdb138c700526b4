//! `countersign-embedded run`: runs a command beside a private Postgres server. The tests are run by it.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use countersign_embedded::{Cluster, EmbeddedError, Options, Purpose};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

const USAGE: &str = "\
usage: countersign-embedded run --data-dir DIR [--throwaway] [--max-connections N] -- COMMAND [ARGUMENTS...]

Starts a private Postgres server in DIR, or adopts the one that runs there, then runs COMMAND and ends as it ends.
The last one to leave stops the server.

  --data-dir DIR         where the database is kept; made when missing
  --throwaway            a fast and empty database, removed at the end; for tests only
  --max-connections N    how many connections the server accepts (default 100, throwaway 300)

COMMAND finds in its environment DATABASE_URL, the address of the database `postgres` as its owner, and
COUNTERSIGN_TEST_SOCKET, the folder of the server's socket. COUNTERSIGN_PG_BIN names the folder of the server's
programs, if another than the usual ones is wanted.";

/// The exit status for a wrong command line, and for a server that does not start; as `env` and shells use them.
const WRONG_USE: u8 = 2;
const NO_SERVER: u8 = 125;
const NO_COMMAND: u8 = 127;

/// What the command line asks for.
struct Run {
    data_dir: PathBuf,
    options: Options,
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if arguments.iter().take_while(|word| *word != "--").any(|word| word == "--help" || word == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match parse(arguments) {
        Ok(run) => execute(&run),
        Err(complaint) => {
            eprintln!("countersign-embedded: {complaint}\n\n{USAGE}");
            ExitCode::from(WRONG_USE)
        }
    }
}

fn parse(arguments: Vec<OsString>) -> Result<Run, String> {
    let mut words = arguments.into_iter();
    if words.next().is_none_or(|word| word != "run") {
        return Err("the only thing it does is `run`".to_owned());
    }
    let (mut data_dir, mut purpose, mut max_connections) = (None, Purpose::Kept, None);
    loop {
        let word = words.next().ok_or("there is no `-- COMMAND` to run")?;
        match word.to_str() {
            Some("--") => break,
            Some("--throwaway") => purpose = Purpose::Throwaway,
            Some("--data-dir") => data_dir = Some(words.next().ok_or("--data-dir needs a folder")?.into()),
            Some("--max-connections") => {
                let number = words.next().and_then(|word| word.to_str()?.parse().ok());
                max_connections = Some(number.ok_or("--max-connections needs a number")?);
            }
            _ => return Err(format!("it does not know `{}`", word.display())),
        }
    }
    let mut options = match purpose {
        Purpose::Kept => Options::kept(),
        Purpose::Throwaway => Options::throwaway(),
    };
    options.max_connections = max_connections.unwrap_or(options.max_connections);
    let command: Vec<OsString> = words.collect();
    if command.is_empty() {
        return Err("there is no COMMAND after `--`".to_owned());
    }
    Ok(Run { data_dir: data_dir.ok_or("--data-dir is missing")?, options, command })
}

/// Says nothing of its own when all goes well, so that the command's last words stay the last.
fn execute(run: &Run) -> ExitCode {
    let cluster = match Cluster::open(&run.data_dir, run.options.clone()) {
        Ok(cluster) => cluster,
        Err(error) => return complain(&error),
    };
    let [program, arguments @ ..] = run.command.as_slice() else { return ExitCode::from(WRONG_USE) };
    let mut command = Command::new(program);
    command.args(arguments);
    command.env("DATABASE_URL", cluster.owner_url()).env("COUNTERSIGN_TEST_SOCKET", cluster.socket_dir());
    let status = match accompany(command) {
        Ok(status) => exit_code(status),
        Err(error) => {
            eprintln!("countersign-embedded: cannot run {}: {error}", program.display());
            ExitCode::from(NO_COMMAND)
        }
    };
    match cluster.close() {
        Ok(()) => status,
        Err(error) => complain(&error),
    }
}

/// Runs the command to its end. Ctrl-C reaches it from the terminal without our help, and we outlive it to stop the server;
/// what is sent to us alone we pass on. From before it begins: whoever sees it at work may tell us to end.
fn accompany(mut command: Command) -> io::Result<ExitStatus> {
    let signals: SigSet = [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block()?;
    // What a process holds back, its children hold back as well.
    #[expect(unsafe_code, reason = "only pthread_sigmask, which is async-signal-safe, follows the fork")]
    unsafe {
        command.pre_exec(move || Ok(signals.thread_unblock()?));
    }
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let signal = signals.wait()?;
        if signal == Signal::SIGTERM || signal == Signal::SIGHUP {
            let _ = kill(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?), signal);
        }
    }
}

/// The command's status as a shell would give it: 128 and the signal's number when one ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn complain(error: &EmbeddedError) -> ExitCode {
    eprint!("countersign-embedded: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        eprint!(": {source}");
        cause = source.source();
    }
    eprintln!();
    ExitCode::from(NO_SERVER)
}
