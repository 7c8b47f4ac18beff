//! The real loader against the simulated device's shared library.
//!
//! One test function: the library takes its folder from the environment, which is one for all.

mod common;

use common::{Ca, folder, key, leaf_round_trip};
use mifeng_crypto::{GM, PrivateKey};
use mifeng_pki::issue::Profile;
use mifeng_pki::{Certificate, Decrypter, Error as PkiError, Signer, SoftwareDecrypter};
use mifeng_skf_sim::{Device, PIN_TRIES};
use mifeng_token::skf::Module;
use std::path::{Path, PathBuf};

type Tested = Result<(), Box<dyn std::error::Error>>;

const PIN: &[u8] = b"12345678";

/// The shared library, which cargo builds beside this test as a dependency of it.
fn library() -> PathBuf {
    let own = std::env::current_exe().expect("this test has a path");
    let name = format!(
        "{}mifeng_skf_sim{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    own.with_file_name(name)
}

struct Bidder {
    sign: (PrivateKey, Certificate),
    enc: (PrivateKey, Certificate),
}

fn bidder(ca: &Ca, name: &str, serial: u8) -> Bidder {
    let pair = |what: &str, profile, serial| {
        let key = key(&GM, &format!("{name} {what}"));
        let certificate = ca.issue(&key.public_key().expect("public"), profile, serial);
        (key, certificate)
    };
    Bidder {
        sign: pair("sign", Profile::BidderSign, serial),
        enc: pair("enc", Profile::BidderEncrypt, serial + 1),
    }
}

fn device(folder: &Path, name: &str, bidder: &Bidder) -> String {
    let mut device = Device::new(name, PIN).expect("a device");
    let (sign, enc) = (&bidder.sign, &bidder.enc);
    device
        .add("one", PIN, Some((&sign.0, &sign.1)), Some((&enc.0, &enc.1)))
        .expect("a container");
    device
        .save(&folder.join(format!("{name}.skf")))
        .expect("a file");
    device.serial().to_owned()
}

fn code<T>(result: Result<T, mifeng_token::Error>) -> &'static str {
    result.err().map_or("none", |e| e.code())
}

#[test]
fn a_bidder_with_a_token() -> Tested {
    let folder = folder("skf");
    // SAFETY: the one test of this program, before any other thread of it reads the environment.
    #[allow(unsafe_code, reason = "the simulated device's folder")]
    unsafe {
        std::env::set_var(mifeng_skf_sim::FOLDER_VARIABLE, &folder);
    }
    let module = Module::load(&library())?;
    assert_eq!(code(module.open(None, None, PIN)), "token.none");

    let ca = Ca::new(&GM);
    let alice = bidder(&ca, "alice", 10);
    let serial = device(&folder, "alice", &alice);
    let tokens = module.tokens()?;
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].label, "alice");
    assert_eq!(tokens[0].serial, serial);
    assert_eq!(tokens[0].pin_tries, Some(PIN_TRIES));

    signs_and_opens(&module, &alice)?;
    wrong_leaves(&module, &alice)?;
    two_tokens(&module, &folder, &serial)?;
    pins(&module, &folder)?;
    pulled_out(&module, &folder)?;
    empty_token(&module, &folder)?;
    two_applications(&module, &folder, &ca)
}

fn signs_and_opens(module: &Module, alice: &Bidder) -> Tested {
    let token = module.open(None, None, PIN)?;
    let signer = token.signer(None, Vec::new())?;
    let decrypter = token.decrypter(None)?;
    assert_eq!(signer.certificate().der(), alice.sign.1.der());
    assert_eq!(decrypter.certificate().der(), alice.enc.1.der());
    // What signs is never offered for decrypting, nor the other way round.
    assert_eq!(
        code(token.decrypter(Some(signer.certificate()))),
        "token.no-certificate"
    );
    assert_eq!(
        code(token.signer(Some(decrypter.certificate()), Vec::new())),
        "token.no-certificate"
    );
    let signature = signer.sign(b"message")?;
    alice.sign.1.public_key().verify(
        mifeng_crypto::SignatureAlg::Sm2Sm3,
        b"message",
        &signature,
    )?;
    leaf_round_trip(&signer, &decrypter)?;
    Ok(())
}

/// A leaf for another key, and the same leaf opened in software.
fn wrong_leaves(module: &Module, alice: &Bidder) -> Tested {
    let token = module.open(None, None, PIN)?;
    let (signer, decrypter) = (token.signer(None, Vec::new())?, token.decrypter(None)?);
    let entropy = &mut mifeng_crypto::SeededEntropy::new(b"wrong leaves");
    let other = key(&GM, "other");
    let ca = Ca::new(&GM);
    let certificate = ca.issue(&other.public_key()?, Profile::BidderEncrypt, 90);
    let trial = mifeng_token::trial::seal(&signer, &certificate, common::time(), entropy)?;
    assert_eq!(
        trial.open(&decrypter).err(),
        Some(mifeng_envelope::Error::NotOurLeaf)
    );
    trial.open(&SoftwareDecrypter::new(other, certificate)?)?;
    let again = PrivateKey::from_pkcs8_der(&alice.enc.0.to_pkcs8_der()?)?;
    let software = SoftwareDecrypter::new(again, alice.enc.1.clone())?;
    let trial = mifeng_token::trial::seal(&signer, &alice.enc.1, common::time(), entropy)?;
    trial.open(&software)?;
    trial.open(&decrypter)?;
    // The token gives out no plaintext, and refuses what is not a key block.
    assert_eq!(
        decrypter.unwrap_key(&[]).err().map(|e| e.code()),
        Some("token.unsupported")
    );
    for (wrapped, block) in [
        (&[][..], &[0; 48][..]),
        (&[0x30, 0], &[]),
        (&[4; 97], &[0; 15]),
    ] {
        assert!(matches!(
            decrypter.open_key_block(wrapped, block),
            Err(PkiError::Crypto(mifeng_crypto::Error::Unverified))
        ));
    }
    Ok(())
}

fn two_tokens(module: &Module, folder: &Path, serial: &str) -> Tested {
    let bob = bidder(&Ca::new(&GM), "bob", 20);
    let other = device(folder, "bob", &bob);
    assert_eq!(code(module.open(None, None, PIN)), "token.several");
    assert_eq!(
        code(module.open(Some("0000"), None, PIN)),
        "token.not-there"
    );
    let token = module.open(Some(&other), None, PIN)?;
    assert_eq!(token.info().label, "bob");
    assert_eq!(
        token.signer(None, Vec::new())?.certificate().der(),
        bob.sign.1.der()
    );
    assert_eq!(module.open(Some(serial), None, PIN)?.info().label, "alice");
    std::fs::remove_file(folder.join("bob.skf"))?;
    Ok(())
}

fn pins(module: &Module, folder: &Path) -> Tested {
    let wrong = module.open(None, None, b"87654321").err();
    assert_eq!(
        wrong,
        Some(mifeng_token::Error::PinWrong {
            left: Some(PIN_TRIES - 1)
        })
    );
    assert_eq!(code(module.open(None, None, b"1")), "token.pin-form");
    assert_eq!(
        code(module.open(None, None, b"1234\x00678")),
        "token.pin-form"
    );
    // The right PIN gives all attempts back.
    module.open(None, None, PIN)?;
    assert_eq!(module.tokens()?[0].pin_tries, Some(PIN_TRIES));
    let path = folder.join("alice.skf");
    let whole = std::fs::read(&path)?;
    for left in (1..PIN_TRIES).rev() {
        assert_eq!(
            module.open(None, None, b"87654321").err(),
            Some(mifeng_token::Error::PinWrong { left: Some(left) })
        );
    }
    assert_eq!(
        code(module.open(None, None, b"87654321")),
        "token.pin-locked"
    );
    assert_eq!(code(module.open(None, None, PIN)), "token.pin-locked");
    assert!(module.tokens()?[0].pin_locked);
    std::fs::write(&path, whole)?;
    Ok(())
}

fn pulled_out(module: &Module, folder: &Path) -> Tested {
    let token = module.open(None, None, PIN)?;
    let (signer, decrypter) = (token.signer(None, Vec::new())?, token.decrypter(None)?);
    let entropy = &mut mifeng_crypto::SeededEntropy::new(b"pulled out");
    let trial =
        mifeng_token::trial::seal(&signer, decrypter.certificate(), common::time(), entropy)?;
    let (path, away) = (folder.join("alice.skf"), folder.join("away"));
    std::fs::rename(&path, &away)?;
    let refused = signer.sign(b"message").expect_err("it is gone");
    assert_eq!(refused.code(), "token.removed");
    let refused = trial.open(&decrypter).expect_err("it is gone");
    assert_eq!(refused.code(), "token.removed");
    assert_eq!(refused.kind(), mifeng_crypto::Kind::Unavailable);
    std::fs::rename(&away, &path)?;
    trial.open(&decrypter)?;
    Ok(())
}

fn empty_token(module: &Module, folder: &Path) -> Tested {
    Device::new("empty", PIN)?.save(&folder.join("empty.skf"))?;
    let serial = module
        .tokens()?
        .into_iter()
        .find(|t| t.label == "empty")
        .map(|t| t.serial);
    assert_eq!(
        code(module.open(serial.as_deref(), None, PIN)),
        "token.no-certificate"
    );
    Ok(())
}

/// A bank's application beside the bidder's, each with its own PIN and its own count of attempts.
fn two_applications(module: &Module, folder: &Path, ca: &Ca) -> Tested {
    const BANK_PIN: &[u8] = b"bank-pin";
    let (mine, banks) = (bidder(ca, "carol", 30), bidder(ca, "carol's bank", 40));
    let mut device = Device::new("two", PIN)?;
    let pair = |of: &Bidder, signs: bool| {
        let (key, certificate) = if signs { &of.sign } else { &of.enc };
        let key = key
            .to_pkcs8_der()
            .and_then(|der| PrivateKey::from_pkcs8_der(&der));
        (key.expect("a key"), certificate.clone())
    };
    let add = |device: &mut Device, of: &Bidder, pin| {
        let (sign, enc) = (pair(of, true), pair(of, false));
        let (sign, enc) = ((&sign.0, &sign.1), (&enc.0, &enc.1));
        device.add("one", pin, Some(sign), Some(enc))
    };
    add(&mut device, &mine, PIN)?;
    device.add_application("BANK", BANK_PIN)?;
    add(&mut device, &banks, BANK_PIN)?;
    let path = folder.join("two.skf");
    device.save(&path)?;
    let before = std::fs::read(&path)?;
    let serial = Some(device.serial());
    // Which of the two is a person's choice; no PIN was shown to either.
    let unnamed = module.open(serial, None, PIN);
    assert_eq!(code(unnamed), "token.several-applications");
    let strange = bidder(ca, "dave", 50);
    let strange = module.open(serial, Some(&strange.enc.1), PIN);
    assert_eq!(
        strange.err(),
        Some(mifeng_token::Error::NoCertificate {
            purpose: mifeng_token::Use::Decrypting
        })
    );
    assert_eq!(std::fs::read(&path)?, before, "no attempt was counted");
    // The other application never sees this PIN: its attempts stay whole.
    let token = module.open(serial, Some(&mine.sign.1), PIN)?;
    token.signer(None, Vec::new())?.sign(b"message")?;
    assert_eq!(token.certificates().count(), 2, "of this application only");
    let wrong = module.open(serial, Some(&banks.sign.1), PIN);
    let left = Some(PIN_TRIES - 1);
    assert_eq!(wrong.err(), Some(mifeng_token::Error::PinWrong { left }));
    let token = module.open(serial, Some(&banks.enc.1), BANK_PIN)?;
    assert_eq!(
        token.decrypter(None)?.certificate().der(),
        banks.enc.1.der()
    );
    Ok(())
}

#[test]
fn a_library_that_is_none() {
    assert_eq!(
        code(Module::load(Path::new("/nowhere.so"))),
        "token.library"
    );
    // A library of something else: this test's own file is not one either.
    let own = std::env::current_exe().expect("this test has a path");
    assert_eq!(code(Module::load(&own)), "token.library");
}
