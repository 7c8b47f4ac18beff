//! Registers of seals: read, broken, records that they refuse, documents judged with them.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, check, fail, same};
use crate::dossier::spliced;
use crate::registry::Manifest;
use mifeng::Tar;
use mifeng::crypto::GM;
use mifeng::pki::{Anchors, Certificate, Material, RevocationList, RevocationRule, pem};
use mifeng::record::{Record, SignedRecord};
use mifeng::registry::Register;
use mifeng::seals::Trust;
use mifeng::stamp::{self, Outcome, Protected, StepId, check_signature};

pub(super) fn plan(input: &Input) -> Option<Plan> {
    if !input.is_in("registry") {
        return None;
    }
    match input.name() {
        "manifest.json" => Some(Plan::Run(run)),
        _ => Some(Plan::Skip("read with its manifest")),
    }
}

/// What is beside the manifest.
struct Beside {
    anchors: Anchors,
    between: Vec<Certificate>,
    crls: Vec<RevocationList>,
}

impl Beside {
    fn read(input: &Input) -> Result<Self, Stop> {
        let certificates = |name: &str| {
            let text = String::from_utf8(input.beside(name)?).map_err(fail("PEM"))?;
            pem::certificates(&text).map_err(fail("certificate"))
        };
        let list = |name: &str| RevocationList::parse(&input.beside(name)?).map_err(fail("list"));
        Ok(Beside {
            anchors: Anchors::new(certificates("root.pem")?),
            between: certificates("ca.pem")?,
            crls: vec![list("root.crl")?, list("ca.crl")?],
        })
    }

    fn material(&self) -> Material<'_> {
        Material {
            intermediates: &self.between,
            crls: &self.crls,
            ..Material::default()
        }
    }

    fn trust(&self) -> Trust<'_> {
        Trust {
            makers: &self.anchors,
            people: Some(&self.anchors),
            material: self.material(),
            revocation: RevocationRule::IfKnown,
        }
    }

    fn register(&self, tar: Vec<u8>) -> Result<Register, mifeng::Error> {
        Register::read(&Tar::of_bytes(tar)?, &self.trust())
    }
}

fn run(input: &Input, tally: &mut Tally) {
    let manifest: Manifest = match serde_json::from_slice(input.bytes()) {
        Ok(manifest) => manifest,
        Err(e) => return tally.fail(&e.to_string()),
    };
    let beside = match Beside::read(input) {
        Ok(beside) => beside,
        Err(_) => return tally.fail("certificates and lists beside the manifest"),
    };
    let valid = || input.beside(&manifest.register);
    tally.case("register", || {
        let register = beside.register(valid()?).map_err(fail("register"))?;
        same("records", register.lines.len() as u64, manifest.records)?;
        same("root", register.head().checkpoint().root(), manifest.root)
    });
    for case in &manifest.refused {
        tally.case(&case.name, || {
            let mut register = beside.register(valid()?).map_err(fail("register"))?;
            let file = input.beside(&format!("{}.rec", case.name))?;
            let signed = SignedRecord::from_file(&file).map_err(fail("record"))?;
            let record = Record::verify(signed, &GM).map_err(fail("record"))?;
            let found = register.state.apply(&record, &beside.trust());
            same("code", found.err().map(|e| e.code()), Some(&*case.code))
        });
    }
    for case in &manifest.broken {
        tally.case(&case.name, || {
            let tar = spliced(&valid()?, &case.splices);
            let tar = tar.ok_or_else(|| Stop::Fail("splices".to_owned()))?;
            let found = beside.register(tar).err();
            same(
                "code",
                found.as_ref().map(mifeng::Error::code),
                Some(&*case.code),
            )
        });
    }
    for case in &manifest.documents {
        tally.case(&case.name, || document(input, &beside, &manifest, case));
    }
}

fn document(
    input: &Input,
    beside: &Beside,
    manifest: &Manifest,
    case: &crate::registry::Document,
) -> Case {
    let tar = input.beside(&manifest.register)?;
    let register = beside.register(tar).map_err(fail("register"))?;
    let registers = [register.state.register()];
    let mut trust = stamp::Trust::new(&beside.anchors, beside.material(), manifest.at);
    let der = input.beside(&format!("{}.dat", case.name))?;
    let letter = input.beside("letter.txt")?;
    // Without the register each of them holds.
    let alone = check_signature(&der, Protected::Bytes(&letter), &trust).report;
    check(
        alone.failures().is_empty(),
        &format!("{:?}", alone.failures()),
    )?;
    trust.registers = &registers;
    let found = check_signature(&der, Protected::Bytes(&letter), &trust).report;
    let code = match found.outcome(StepId::SealRegister) {
        Some(Outcome::Pass(note)) => note.as_ref().map(|finding| finding.code),
        Some(Outcome::Unknown(finding) | Outcome::Fail(finding)) => Some(finding.code),
        _ => Some("not run"),
    };
    same("code", code, case.code.as_deref())?;
    same("verdict", found.verdict().code(), &*case.verdict)
}
