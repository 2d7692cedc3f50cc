//! Questions on a terminal whose answer is not shown.
//!
//! An interrupt ends the process wherever it is. While a question is open the terminal shows nothing and passes no signals on, and nobody but this
//! process knows how it was before; so that is kept for [`restore_terminal`], which an interrupt calls before it ends.

use std::io;

use zeroize::Zeroizing;

/// Asks for one line on the terminal.
///
/// # Errors
/// If there is no terminal, or it cannot be read. Ctrl-C is no error: the process ends.
pub(crate) fn hidden(question: &str) -> io::Result<Zeroizing<String>> {
    terminal::keep();
    let typed = rpassword::prompt_password(question).map(Zeroizing::new);
    terminal::restore();
    match typed {
        // The signal has been raised, and who handles it ends the process: not with an error of this question.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => loop {
            std::thread::park();
        },
        typed => typed,
    }
}

/// Puts the terminal back to what it was before the question that is open, if one is.
pub(crate) fn restore_terminal() {
    terminal::restore();
}

#[cfg(unix)]
mod terminal {
    use std::fs::{File, OpenOptions};
    use std::sync::Mutex;

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);

    pub(super) fn keep() {
        let Ok(terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else { return };
        if let (Ok(settings), Ok(mut before)) = (tcgetattr(&terminal), BEFORE.lock()) {
            *before = Some((terminal, settings));
        }
    }

    pub(super) fn restore() {
        if let Ok(mut before) = BEFORE.lock()
            && let Some((terminal, settings)) = before.take()
        {
            let _ = tcsetattr(terminal, OptionalActions::Now, &settings);
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    pub(super) fn keep() {}
    pub(super) fn restore() {}
}
