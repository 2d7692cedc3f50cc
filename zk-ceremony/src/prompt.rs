//! Questions on a terminal whose answer is not shown.
//!
//! Ctrl-C can end the process at any point. While a question is open the terminal has echo and
//! signal keys switched off, and only this process knows the previous settings. So one lock guards
//! both the settings and their previous values. The Ctrl-C handler calls [`restore_terminal`]
//! before it exits; that call keeps the lock, so no question can begin or end afterwards.
//!
//! This holds on Unix. Elsewhere the console is left as it is when Ctrl-C arrives.

use std::io;

use zeroize::Zeroizing;

/// Asks for one line on the terminal.
///
/// # Errors
/// If there is no terminal, or it cannot be read. Ctrl-C ends the process.
pub(crate) fn hidden(question: &str) -> io::Result<Zeroizing<String>> {
    terminal::ask(question)
}

/// Restores the terminal settings from before the open question, if there is one. Call this only
/// immediately before exiting.
pub(crate) fn restore_terminal() {
    terminal::restore_for_good();
}

#[cfg(unix)]
mod terminal {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Write as _};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use rpassword::ConfigBuilder;
    use rustix::process::getpgrp;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    };
    use zeroize::Zeroizing;

    /// The terminal of the open question, and its previous settings.
    static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);

    fn before() -> MutexGuard<'static, Option<(File, Termios)>> {
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(question: &str) -> io::Result<Zeroizing<String>> {
        let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let hidden = Hidden::begin(&terminal)?;
        terminal.write_all(question.as_bytes())?;
        // The reader changes no terminal settings: this module owns them.
        let config =
            ConfigBuilder::new().input_reader(terminal.try_clone()?).output_discard().build();
        let typed = rpassword::read_password_with_config(config).map(Zeroizing::new);
        terminal.write_all(b"\n")?;
        if typed.as_ref().is_err_and(|error| {
            error.kind() == io::ErrorKind::Interrupted && error.raw_os_error().is_none()
        }) {
            // Ctrl-C was raised as a signal, and its handler ends the process. Wait here in case
            // there is no handler.
            std::thread::sleep(Duration::from_secs(5));
        }
        drop(hidden);
        typed
    }

    /// Echo is off while this is alive.
    struct Hidden;

    impl Hidden {
        fn begin(terminal: &File) -> io::Result<Self> {
            let mut before = before();
            let shown = tcgetattr(terminal)?;
            let mut settings = shown.clone();
            // Read key by key: with line editing, Ctrl-Z would stop the process and leave the shell
            // without echo.
            settings.local_modes &=
                !(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
            settings.special_codes[SpecialCodeIndex::VMIN] = 1;
            settings.special_codes[SpecialCodeIndex::VTIME] = 0;
            *before = Some((terminal.try_clone()?, shown));
            tcsetattr(terminal, OptionalActions::Now, &settings)?;
            Ok(Self)
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            restore(&mut before());
        }
    }

    fn restore(before: &mut Option<(File, Termios)>) {
        if let Some((terminal, settings)) = before.take() {
            // A background process that changes terminal settings is stopped.
            if tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()) {
                let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
            }
        }
    }

    pub(super) fn restore_for_good() {
        let mut before = before();
        restore(&mut before);
        std::mem::forget(before);
    }
}

#[cfg(not(unix))]
mod terminal {
    pub(super) fn ask(question: &str) -> std::io::Result<zeroize::Zeroizing<String>> {
        rpassword::prompt_password(question).map(zeroize::Zeroizing::new)
    }

    pub(super) fn restore_for_good() {}
}
