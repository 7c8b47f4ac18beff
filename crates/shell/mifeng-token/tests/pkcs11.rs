//! SoftHSM2, for real: keys born in the token, certificates issued to them, a bid's leaf opened.

mod common;

use common::{Ca, folder, leaf_round_trip};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use mifeng_crypto::{INTL, KeyAlg};
use mifeng_pki::issue::Profile;
use mifeng_pki::{Decrypter, Signer};
use mifeng_token::Use;
use mifeng_token::pkcs11::{Module, Token};
use std::path::{Path, PathBuf};

type Tested = Result<(), Box<dyn std::error::Error>>;

const PIN: &[u8] = b"648219";

/// Debian's place for the module.
fn softhsm() -> Option<PathBuf> {
    [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm.so",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|path| path.exists())
}

/// Makes a token in SoftHSM2, as its owner would with `softhsm2-util --init-token`.
fn make_token(module: &Path, label: &str) {
    let context = Pkcs11::new(module).expect("a module");
    // Started already by the first token or by the code under test.
    let _ = context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    let slots = context.get_slots_with_token().expect("slots");
    let free = slots
        .into_iter()
        .find(|slot| {
            !context
                .get_token_info(*slot)
                .expect("info")
                .token_initialized()
        })
        .expect("a free slot");
    let so = AuthPin::new("so-pin-1".into());
    context.init_token(free, &so, label).expect("a token");
    let session = context.open_rw_session(free).expect("a session");
    session.login(UserType::So, Some(&so)).expect("logged in");
    let pin = String::from_utf8(PIN.to_vec()).expect("text");
    session.init_pin(&AuthPin::new(pin.into())).expect("a PIN");
}

fn code<T>(result: Result<T, mifeng_token::Error>) -> &'static str {
    result.err().map_or("none", |e| e.code())
}

fn serial_of(module: &Module, label: &str) -> String {
    let all = module.tokens().expect("tokens");
    let token = all.into_iter().find(|t| t.label == label);
    token.expect("the token").serial
}

#[test]
fn a_bidder_with_a_token() -> Tested {
    let Some(library) = softhsm() else {
        println!("skipped: SoftHSM2 is not installed");
        return Ok(());
    };
    let folder = folder("softhsm");
    let configuration = folder.join("softhsm2.conf");
    std::fs::write(
        &configuration,
        format!("directories.tokendir = {}\n", folder.display()),
    )?;
    // SAFETY: the one test of this program, before any other thread of it reads the environment.
    #[allow(
        unsafe_code,
        reason = "SoftHSM2 reads its configuration's place from there"
    )]
    unsafe {
        std::env::set_var("SOFTHSM2_CONF", &configuration);
    }
    let module = Module::load(&library)?;
    assert_eq!(code(module.open(None, PIN)), "token.none");

    make_token(&library, "p256");
    assert_eq!(code(module.open(None, b"000000")), "token.pin-wrong");
    assert_eq!(code(module.open(None, b"")), "token.pin-wrong");
    let ca = Ca::new(&INTL);
    let mut token = module.open(None, PIN)?;
    assert_eq!(code(token.signer(None, Vec::new())), "token.no-certificate");
    enrol(&mut token, &ca, KeyAlg::P256, 10)?;
    both(&token, &ca)?;
    drop(token);
    // Anew, as the next command finds it.
    both(&module.open(None, PIN)?, &ca)?;

    make_token(&library, "rsa");
    assert_eq!(code(module.open(None, PIN)), "token.several");
    assert_eq!(code(module.open(Some("nobody"), PIN)), "token.not-there");
    let mut token = module.open(Some(&serial_of(&module, "rsa")), PIN)?;
    enrol(&mut token, &ca, KeyAlg::Rsa { bits: 3_072 }, 20)?;
    both(&token, &ca)?;
    oaep_of_openssl(&token, &folder)?;
    two_certificates(&mut token, &ca)?;
    drop(token);
    let mut token = module.open(Some(&serial_of(&module, "p256")), PIN)?;
    let own = token.signer(None, Vec::new())?;
    beside_another_key(&mut token, &ca)?;
    removed(&own, &folder)
}

/// Keys born in the token, and certificates beside them.
fn enrol(token: &mut Token, ca: &Ca, alg: KeyAlg, serial: u8) -> Tested {
    for (purpose, profile, id) in [
        (Use::Signing, Profile::BidderSign, serial),
        (Use::Decrypting, Profile::BidderEncrypt, serial + 1),
    ] {
        let public = token.generate(alg, &[id], purpose)?;
        token.store(&ca.issue(&public, profile, id), &[id])?;
    }
    Ok(())
}

fn both(token: &Token, ca: &Ca) -> Tested {
    let signer = token.signer(None, vec![ca.certificate().clone()])?;
    let decrypter = token.decrypter(None)?;
    assert_ne!(signer.certificate().der(), decrypter.certificate().der());
    let signature = signer.sign(b"message")?;
    let public = signer.certificate().public_key();
    let alg = match public.key_alg() {
        KeyAlg::P256 => mifeng_crypto::SignatureAlg::EcdsaP256Sha256,
        _ => mifeng_crypto::SignatureAlg::RsaPkcs1Sha256,
    };
    public.verify(alg, b"message", &signature)?;
    leaf_round_trip(&signer, &decrypter)?;
    // What is damaged opens to nothing, and says nothing.
    let info = b"info";
    for sealed in [&[][..], &[4; 65], &[0; 384]] {
        assert!(decrypter.hpke_open(info, sealed).is_err());
        assert!(decrypter.unwrap_key(sealed).is_err());
    }
    Ok(())
}

/// What OpenSSL encrypts, the token opens: our padding and theirs are the same.
fn oaep_of_openssl(token: &Token, folder: &Path) -> Tested {
    let decrypter = token.decrypter(None)?;
    let spki = decrypter.certificate().public_key().spki_der();
    std::fs::write(folder.join("rsa.pub"), spki)?;
    std::fs::write(folder.join("plain"), b"thirty-two bytes of key material")?;
    let done = std::process::Command::new("openssl")
        .current_dir(folder)
        .args([
            "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "rsa.pub",
        ])
        .args(["-in", "plain", "-out", "sealed"])
        .args(["-pkeyopt", "rsa_padding_mode:oaep"])
        .args([
            "-pkeyopt",
            "rsa_oaep_md:sha256",
            "-pkeyopt",
            "rsa_mgf1_md:sha256",
        ])
        .status();
    match done {
        Ok(status) if status.success() => {
            let opened = decrypter.unwrap_key(&std::fs::read(folder.join("sealed"))?)?;
            assert_eq!(&opened[..], b"thirty-two bytes of key material");
        }
        _ => println!("skipped: no openssl command that encrypts with OAEP"),
    }
    Ok(())
}

fn two_certificates(token: &mut Token, ca: &Ca) -> Tested {
    let first = token.signer(None, Vec::new())?.certificate().clone();
    let second = ca.issue(first.public_key(), Profile::BidderSign, 30);
    token.store(&second, &[20])?;
    assert_eq!(
        code(token.signer(None, Vec::new())),
        "token.several-certificates"
    );
    let signer = token.signer(Some(&second), Vec::new())?;
    assert_eq!(signer.certificate().der(), second.der());
    // A certificate whose key is elsewhere.
    let stranger = common::key(&INTL, "stranger");
    let public = stranger.public_key()?;
    let lost = ca.issue(&public, Profile::BidderSign, 31);
    token.store(&lost, &[99])?;
    assert_eq!(code(token.signer(Some(&lost), Vec::new())), "token.no-key");
    // One beside a key of another kind.
    let wrong = ca.issue(&public, Profile::BidderSign, 32);
    token.store(&wrong, &[20])?;
    assert_eq!(
        code(token.signer(Some(&wrong), Vec::new())),
        "token.mismatch"
    );
    Ok(())
}

fn beside_another_key(token: &mut Token, ca: &Ca) -> Tested {
    let stranger = common::key(&INTL, "stranger").public_key()?;
    let wrong = ca.issue(&stranger, Profile::BidderSign, 33);
    token.store(&wrong, &[10])?;
    let refused = token.signer(Some(&wrong), Vec::new())?.sign(b"message");
    let refused = refused.expect_err("not its key");
    assert_eq!(refused.code(), "token.mismatch");
    Ok(())
}

/// SoftHSM2 keeps a token in a folder: when that is gone, so is the token.
fn removed(signer: &dyn Signer, folder: &Path) -> Tested {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            std::fs::remove_dir_all(path)?;
        }
    }
    let refused = signer.sign(b"message").expect_err("it is gone");
    assert_eq!(refused.code(), "token.removed");
    Ok(())
}
