//! Who writes a tender, as its row says it: for whoever is refused, and to know a writer that is gone.

use std::path::Path;

/// A process: its number, its machine's name, and what makes both unique (the machine's boot, and the space in which
/// process numbers count). With a number of its own, a writer knows itself again.
pub(super) fn holder(own: Option<&str>) -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let host = read("/proc/sys/kernel/hostname");
    let process = format!(
        "process {} on {}, {}",
        std::process::id(),
        host.trim(),
        space()
    );
    match own {
        Some(number) => format!("{process}, {number}"),
        None => process,
    }
}

/// Where process numbers mean what they mean here; empty where the system does not say.
fn space() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let numbers = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let numbers = numbers.to_string_lossy();
    match boot.trim() {
        "" => String::new(),
        boot => format!("boot {boot} {numbers}"),
    }
}

/// Whether that writer's process is known to be gone: it was one of this machine, and has ended. A number that
/// another process has by now, or a machine of which nothing is known, says nothing.
pub(super) fn is_gone(holder: &str) -> bool {
    let space = space();
    let Some(rest) = holder.strip_prefix("process ") else {
        return false;
    };
    let Some((number, rest)) = rest.split_once(" on ") else {
        return false;
    };
    let Ok(number) = number.parse::<u32>() else {
        return false;
    };
    let here = !space.is_empty() && rest.split(", ").nth(1) == Some(&*space);
    here && number != std::process::id() && has_ended(Path::new("/proc"), number)
}

/// Whether the list of processes proves that one has ended. Where others' processes are hidden (`hidepid`, systemd's
/// `ProtectProc`) the first of all, which never ends, is hidden too: then only the lease tells.
fn has_ended(list: &Path, number: u32) -> bool {
    list.join("1").exists() && !list.join(number.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_process_has_not_ended() -> std::io::Result<()> {
        let name = format!("mifeng-processes-{}", std::process::id());
        let list = std::env::temp_dir().join(name);
        std::fs::create_dir_all(list.join("70"))?;
        assert!(!has_ended(&list, 70) && !has_ended(&list, 71));
        std::fs::create_dir(list.join("1"))?;
        assert!(!has_ended(&list, 70) && has_ended(&list, 71));
        std::fs::remove_dir_all(&list)
    }

    #[test]
    fn a_process_that_ended_here_is_gone_and_no_other_one() -> std::io::Result<()> {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()?;
        let own = holder(None);
        let number = format!("process {} on ", std::process::id());
        let other = own.replace(&number, &format!("process {} on ", child.id()));
        assert!(!is_gone(&own) && !is_gone(&other));
        drop(child.stdin.take());
        child.wait()?;
        assert!(is_gone(&other) && is_gone(&format!("{other}, 00ff")));
        assert!(!is_gone(&other.replace("boot ", "boot 0")));
        for text in [
            "",
            "process",
            "process x on y",
            "process 1 on y",
            "process 1 on y, ",
        ] {
            assert!(!is_gone(text), "{text}");
        }
        Ok(())
    }
}
