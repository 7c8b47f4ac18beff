//! A host behind its own TLS, and who speaks to it.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn mifeng(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mifeng"));
    command.current_dir(root);
    command.args(["--lang", "en", "--pin-file", "pin"]);
    command
}

fn run(root: &Path, line: &str) -> Output {
    let run = mifeng(root).args(line.split_whitespace()).output();
    run.expect("the command runs")
}

fn done(root: &Path, line: &str) {
    let out = run(root, line);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{line}: {said}");
}

fn certificates(root: &Path) {
    let mut ca = CertificateParams::new(Vec::new()).expect("names");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let ca = CertifiedIssuer::self_signed(ca, key).expect("a root");
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("names");
    let key = KeyPair::generate().expect("a key");
    let chain = own.signed_by(&key, &ca).expect("a certificate").pem();
    for (name, text) in [
        ("roots.pem", ca.pem()),
        ("host.pem", chain),
        ("host.key", key.serialize_pem()),
    ] {
        std::fs::write(root.join(name), text).expect("written");
    }
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(root.join("host.key"), mode).expect("set");
}

fn serve(root: &Path) -> (Child, String) {
    let line = "serve --dir house --id platform --listen 127.0.0.1:0 --tls-cert host.pem --tls-key host.key";
    let child = mifeng(root)
        .args(line.split_whitespace())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.expect("the command runs");
    let mut said = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    out.read_line(&mut said).expect("a line");
    let url = said.split_whitespace().last().expect("an address");
    assert!(url.starts_with("https://127.0.0.1:"), "{said}");
    (child, format!("{url}t/T1"))
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
}

#[test]
fn a_host_is_reached_over_tls_and_by_nobody_who_does_not_trust_it() {
    let name = format!("mifeng-https-{}", std::process::id());
    let root = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(root.join("house")).expect("a folder");
    std::fs::write(root.join("pin"), "a passphrase\n").expect("written");
    certificates(&root);
    done(&root, "ca init --ca ca --suite intl --name CA");
    for (kind, name) in [("host", "platform"), ("trustee", "t1")] {
        done(
            &root,
            &format!("ca issue --ca ca --kind {kind} --name {name} --out {name}"),
        );
    }
    let init = "tender init --host house/T1 --id platform --suite intl --origin h.example/t/T1";
    done(&root, &format!("{init} --trust ca/root.cer"));
    done(
        &root,
        "board join --id t1 --session s --index 1 --quorum 2 --of 2 --out t1.rec",
    );

    let (mut child, url) = serve(&root);
    let reach = format!("--host {url} --tls-ca roots.pem");
    done(&root, &format!("send {reach} t1.rec --receipt t1.receipt"));
    // A file from an earlier, broken download is no obstacle.
    std::fs::write(root.join(".now.tar.part"), "half").expect("written");
    std::fs::write(root.join(".now.tar.mark"), "\"0-0\"").expect("written");
    done(&root, &format!("bundle fetch {reach} --out now.tar"));
    done(
        &root,
        "receipt verify --receipt t1.receipt --record t1.rec --tender now.tar",
    );
    // SIGHUP reads the certificate again, and ends nothing.
    signal(&child, "-HUP");
    done(&root, &format!("bundle fetch {reach} --out again.tar"));
    // This host's root is none of the system's.
    let out = run(&root, &format!("bundle fetch --host {url} --out none.tar"));
    assert_eq!(
        out.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(!root.join("none.tar").exists());
    signal(&child, "-TERM");
    assert!(child.wait().expect("ended").success());

    // In clear beyond loopback only behind a proxy; a key that others may read, never.
    let open = "serve --dir house --id platform --listen 0.0.0.0:0";
    assert_eq!(run(&root, open).status.code(), Some(2));
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(root.join("host.key"), mode).expect("set");
    let seen = format!("{open} --tls-cert host.pem --tls-key host.key");
    assert_eq!(run(&root, &seen).status.code(), Some(4));
    let _ = std::fs::remove_dir_all(&root);
}
