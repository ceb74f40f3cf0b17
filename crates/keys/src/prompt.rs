//! Passwords from the person at the terminal, or from whatever standard input is (behaviour.md D26).
//!
//! A terminal is read key by key without echo, a `*` for each character. Everything else is read line by line and never
//! beyond the line: the next password is the next line, and what follows belongs to somebody else. Bytes go into buffers
//! that are wiped and do not grow.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ferrite_formats::key::{KeyError, Password};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use crate::error::{Error, IoContext, Result};

/// Longest password that is read.
const MAX_BYTES: usize = 64 << 10;
/// How soon an abort is heard.
const POLL_MS: i64 = 100;
const TERMINAL: &str = "/dev/tty";
const STDIN: &str = "standard input";

/// What to ask for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What the person sees: `Tape Encryption Key Password: `.
    pub prompt: String,
    /// Asks again with this text, and compares; only on a terminal.
    pub verify: Option<String>,
}

/// Asks for passwords, one after the other.
#[derive(Debug, Clone, Default)]
pub struct PasswordReader {
    cancel: Arc<AtomicBool>,
}

impl PasswordReader {
    /// Stops asking, from any thread; the terminal is left as it was.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Asks on the terminal that standard input is; without one takes the next line of standard input.
    ///
    /// # Errors
    /// [`Error::Aborted`] after Ctrl-C, Ctrl-D or [`PasswordReader::cancel`], [`Error::PasswordsDiffer`],
    /// [`Error::NoPassword`], those of [`Password::new`], [`Error::Io`].
    pub fn read(&self, ask: &Ask) -> Result<Password> {
        if isatty(io::stdin()) {
            let first = self.ask(&ask.prompt)?;
            // Nobody types a refused password twice.
            let password = Password::new(first.to_vec())?;
            if let Some(verify) = &ask.verify {
                if *self.ask(verify)? != *first {
                    return Err(Error::PasswordsDiffer);
                }
            }
            return Ok(password);
        }
        let line = self.read_line(io::stdin().as_fd())?;
        if ask.verify.is_some() {
            check_typable(&line)?;
        }
        Ok(Password::from_first_line(line.to_vec())?)
    }

    /// A secret that is checked by somebody else, a mail server for one: any line of text that is not empty. Asked for once,
    /// without echo; without a terminal the next line of standard input.
    ///
    /// # Errors
    /// [`Error::Aborted`], [`Error::EmptyPassword`], [`Error::NoPassword`], [`KeyError::PasswordNotUtf8`], [`Error::Io`].
    pub fn read_secret(&self, prompt: &str) -> Result<Zeroizing<String>> {
        let line = if isatty(io::stdin()) {
            self.ask(prompt)?
        } else {
            self.read_line(io::stdin().as_fd())?
        };
        secret_of(&line)
    }

    fn ask(&self, prompt: &str) -> Result<Zeroizing<Vec<u8>>> {
        // Not standard output, which may be a file; not standard error, which may be a log.
        let mut terminal = File::options()
            .read(true)
            .write(true)
            .open(TERMINAL)
            .at("open", Path::new(TERMINAL))?;
        let quiet = Quiet::begin(terminal.try_clone().at("open", Path::new(TERMINAL))?)?;
        let typed = terminal
            .write_all(prompt.as_bytes())
            .at("write to", Path::new(TERMINAL))
            .and_then(|()| self.read_keys(&mut terminal));
        let end = terminal.write_all(b"\n");
        drop(quiet);
        let typed = typed?;
        end.at("write to", Path::new(TERMINAL))?;
        Ok(typed)
    }

    fn read_keys(&self, terminal: &mut File) -> Result<Zeroizing<Vec<u8>>> {
        let mut typed = Typed::default();
        loop {
            self.wait(terminal.as_fd(), TERMINAL)?;
            let mut key = Zeroizing::new([0; 1]);
            match terminal.read(&mut *key) {
                Ok(0) => return Err(Error::Aborted), // the terminal went away
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).at("read", Path::new(TERMINAL)),
            }
            match typed.take(key[0]) {
                Key::More(echo) => terminal
                    .write_all(echo)
                    .at("write to", Path::new(TERMINAL))?,
                Key::Done => return Ok(typed.password),
                Key::Abort => return Err(Error::Aborted),
                Key::TooLong => return Err(Error::LongPassword { limit: MAX_BYTES }),
            }
        }
    }

    /// One line with its line end; without one at the end of the input.
    fn read_line(&self, input: BorrowedFd<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
        loop {
            self.wait(input, STDIN)?;
            let mut byte = Zeroizing::new([0; 1]);
            match rustix::io::read(input, &mut *byte) {
                Ok(0) if line.is_empty() => return Err(Error::NoPassword),
                Ok(0) => return Ok(line),
                Ok(_) if line.len() > MAX_BYTES => {
                    return Err(Error::LongPassword { limit: MAX_BYTES });
                }
                Ok(_) => line.push(byte[0]),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(io::Error::from(error)).at("read", Path::new(STDIN)),
            }
            if byte[0] == b'\n' {
                return Ok(line);
            }
        }
    }

    /// Until something can be read.
    fn wait(&self, input: BorrowedFd<'_>, name: &str) -> Result<()> {
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: POLL_MS * 1_000_000,
        };
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(Error::Aborted);
            }
            let mut ready = [PollFd::from_borrowed_fd(input, PollFlags::IN)];
            match poll(&mut ready, Some(&timeout)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(io::Error::from(error)).at("read", Path::new(name)),
            }
        }
    }
}

/// A new password must be one that can be typed, or nobody opens the key without the file that it came from: no mark of
/// byte order, as some editors write it before a text, and no control characters.
fn check_typable(line: &[u8]) -> Result<()> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let is_control = |byte: &u8| *byte < 0x20 || *byte == 0x7f;
    if text.starts_with("\u{feff}".as_bytes()) || text.iter().any(is_control) {
        return Err(Error::UntypablePassword);
    }
    Ok(())
}

/// A line of text without its line end.
fn secret_of(line: &[u8]) -> Result<Zeroizing<String>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(Error::EmptyPassword),
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(KeyError::PasswordNotUtf8.into()),
    }
}

/// A terminal without echo, key by key, where Ctrl-C is a key: nothing else would put the terminal right before the process
/// ends. Dropped, the terminal is as it was.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn begin(terminal: File) -> Result<Self> {
        let failed = |error: Errno| io::Error::from(error);
        let before = tcgetattr(&terminal)
            .map_err(failed)
            .at("read the settings of", Path::new(TERMINAL))?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN;
        quiet.input_modes |= InputModes::ICRNL;
        tcsetattr(&terminal, OptionalActions::Now, &quiet)
            .map_err(failed)
            .at("turn off the echo of", Path::new(TERMINAL))?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody to tell whom the terminal would not show it.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    /// Go on; what the terminal is to show.
    More(&'static [u8]),
    Done,
    Abort,
    TooLong,
}

/// What was typed so far.
struct Typed {
    password: Zeroizing<Vec<u8>>,
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            password: Zeroizing::new(Vec::with_capacity(MAX_BYTES)),
        }
    }
}

impl Typed {
    fn take(&mut self, key: u8) -> Key {
        const CTRL_C: u8 = 0x03;
        const CTRL_D: u8 = 0x04;
        const BACKSPACE: u8 = 0x08;
        const CTRL_U: u8 = 0x15;
        const DELETE: u8 = 0x7f;
        match key {
            b'\n' | b'\r' => Key::Done,
            CTRL_C => Key::Abort,
            CTRL_D if self.password.is_empty() => Key::Abort,
            CTRL_D => Key::Done,
            BACKSPACE | DELETE => self.erase(),
            CTRL_U => {
                // What is shown says nothing any more; the next character begins anew.
                while self.erase() != Key::More(b"") {}
                Key::More(b" (cleared) ")
            }
            0..=0x1f => Key::More(b""), // no part of any password that was ever typed at such a prompt
            _ if self.password.len() == MAX_BYTES => Key::TooLong,
            _ => {
                self.password.push(key);
                // The bytes of a character behind its first.
                if is_continuation(key) {
                    Key::More(b"")
                } else {
                    Key::More(b"*")
                }
            }
        }
    }

    /// Takes the last character back.
    fn erase(&mut self) -> Key {
        if self.password.is_empty() {
            return Key::More(b"");
        }
        while let Some(byte) = self.password.pop() {
            if !is_continuation(byte) {
                break;
            }
        }
        Key::More(b"\x08 \x08")
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands there after these keys, what the terminal showed, and what the last key did.
    fn typed(keys: &[u8]) -> (Vec<u8>, Vec<u8>, Key) {
        let mut typed = Typed::default();
        let mut shown = Vec::new();
        for &key in keys {
            match typed.take(key) {
                Key::More(echo) => shown.extend_from_slice(echo),
                end => return (typed.password.to_vec(), shown, end),
            }
        }
        (typed.password.to_vec(), shown, Key::More(b""))
    }

    #[test]
    fn each_character_shows_one_star() {
        assert_eq!(
            typed("pâté€\n".as_bytes()),
            ("pâté€".as_bytes().to_vec(), b"*****".to_vec(), Key::Done)
        );
    }

    #[test]
    fn keys_take_back_what_was_typed() {
        let (password, shown, _) = typed("aé\x7f\x08\x08b\r".as_bytes());
        assert_eq!(password, b"b");
        assert_eq!(shown, b"**\x08 \x08\x08 \x08*");
        assert_eq!(typed("abc\x15de\n".as_bytes()).0, b"de");
        assert_eq!(typed(b"\x15\n").2, Key::Done);
    }

    #[test]
    fn other_control_characters_are_no_part_of_a_password() {
        assert_eq!(typed(b"a\x1b\x09\x00b\n").0, b"ab");
        assert_eq!(typed(b"abc\x03").2, Key::Abort);
        assert_eq!(typed(b"\x04").2, Key::Abort);
        assert_eq!(typed(b"abc\x04").2, Key::Done);
    }

    #[test]
    fn a_password_has_an_end() {
        let keys = vec![b'x'; MAX_BYTES + 1];
        assert_eq!(typed(&keys).2, Key::TooLong);
    }

    #[test]
    fn lines_are_read_one_by_one_and_never_beyond() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"first one\nsecond\r\nthe rest").unwrap();
        let passwords = PasswordReader::default();
        let line = || passwords.read_line(reader.as_fd()).unwrap().to_vec();
        assert_eq!(line(), b"first one\n");
        assert_eq!(line(), b"second\r\n");
        drop(writer);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "the rest");
        let error = passwords.read_line(reader.as_fd()).unwrap_err();
        assert!(matches!(error, Error::NoPassword), "{error}");
    }

    #[test]
    fn a_new_password_can_be_typed() {
        for line in [
            &b"correct horse\r\n"[..],
            "p\u{e2}t\u{e9}\n".as_bytes(),
            b"no line end",
        ] {
            assert!(check_typable(line).is_ok());
        }
        for line in [
            &b"\xef\xbb\xbfcorrect horse\n"[..],
            b"correct\thorse\n",
            b"correct\0horse",
            b"a\rb\n",
        ] {
            let error = check_typable(line).unwrap_err();
            assert!(matches!(error, Error::UntypablePassword), "{error}");
        }
    }

    #[test]
    fn a_secret_is_a_line_of_text_without_its_end() {
        for line in ["short", "short\n", "short\r\n"] {
            assert_eq!(*secret_of(line.as_bytes()).unwrap(), "short");
        }
        assert_eq!(*secret_of("pâté \n".as_bytes()).unwrap(), "pâté ");
        let error = secret_of(b"\xff\n").unwrap_err();
        assert!(
            matches!(error, Error::Key(KeyError::PasswordNotUtf8)),
            "{error}"
        );
        let error = secret_of(b"\r\n").unwrap_err();
        assert!(matches!(error, Error::EmptyPassword), "{error}");
    }

    #[test]
    fn an_endless_line_is_refused() {
        let (reader, mut writer) = io::pipe().unwrap();
        let write = std::thread::spawn(move || while writer.write_all(&[b'x'; 4096]).is_ok() {});
        let error = PasswordReader::default()
            .read_line(reader.as_fd())
            .unwrap_err();
        assert!(matches!(error, Error::LongPassword { .. }), "{error}");
        drop(reader);
        write.join().unwrap();
    }

    #[test]
    fn asking_can_be_stopped() {
        let (reader, writer) = io::pipe().unwrap();
        let passwords = PasswordReader::default();
        let stop = passwords.clone();
        let waiting = std::thread::spawn(move || passwords.read_line(reader.as_fd()).map(|_| ()));
        stop.cancel();
        assert!(matches!(waiting.join().unwrap(), Err(Error::Aborted)));
        drop(writer);
    }
}
