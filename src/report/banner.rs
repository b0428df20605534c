//! What an interactive shell starts with.

use super::Message;
use crate::config::Config;

/// Lists what is isolated, before an interactive shell.
pub(crate) fn banner(config: &Config) {
    let mut message = Message::new();
    message.push_str("[Gontainer config]\n• mnt:  \"");
    message.push_escaped(config.root.unwrap_or_default().to_bytes()).push_str("\"\n");
    for (name, on) in &[
        ("uts", config.wants_uts()),
        ("ipc", config.ipc),
        ("net", config.net),
        ("pid", config.pid),
        ("uid", config.user),
    ] {
        message.push_str("• ").push_str(name).push_str(":  ");
        message.push_str(if *on { "enabled\n" } else { "disabled\n" });
    }
    message.push_str("\n");
    super::say(&message);
}
