//! The people of the demo: certificates, folders, files.

use super::DemoArgs;
use crate::identity::{self, Ca, Identity, Kind};
use crate::ui::{Failure, Pins, Ui};
use crate::{anchor, base64, clock, host, person, trust};
use mifeng::crypto::{Digest, Entropy, Suite, SystemEntropy, Time};
use mifeng::pki::Certificate;
use mifeng::pki::trust::{
    CaProfile, CertificateKind, CodePlace, SignedTrustList, TrustList, Usage,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use zeroize::Zeroizing;

/// The demonstration's log.
pub(crate) const ORIGIN: &str = "host.example/t/DEMO-2026-001";
const ANCHOR: &str = "host.example/anchor";

/// How many trustees open together, and how many there are.
const BOARD: (u8, u8) = (2, 3);
/// The same where faults are shown: one lies and one is away, so three of five.
const BOARD_WITH_FAULTS: (u8, u8) = (3, 5);
/// Members of the fallback board: all of them are needed.
const FALLBACK: u8 = 2;
/// Candidates in the experts' pool.
pub(crate) const CANDIDATES: usize = 9;

const COMPANIES: [&str; 10] = [
    "山东海岳医疗科技",
    "威海远洋器械",
    "临沂沂蒙医疗设备",
    "青岛蓝湾生物",
    "济南泉城健康",
    "烟台东山仪器",
    "潍坊鸢都医疗",
    "泰安岱宗设备",
    "日照曙光科技",
    "淄博齐风医疗",
];
const TRUSTEE_NAMES: [&str; 5] = [
    "采购人代表 王敏",
    "公证员 李正",
    "监督员 赵清",
    "交易中心 周衡",
    "审计员 吴岩",
];
const FALLBACK_NAMES: [&str; FALLBACK as usize] = ["公证处 孙直", "律师 郑平"];

/// The world of one demo.
pub(crate) struct World {
    pub(crate) root: PathBuf,
    pub(crate) suite: &'static Suite,
    pub(crate) ui: Ui,
    pub(crate) ca: PathBuf,
    /// The second CA, where there are two under one trust list.
    pub(crate) second: Option<PathBuf>,
    pub(crate) board_files: Vec<PathBuf>,
    pub(crate) quorum: u8,
    pub(crate) trustees: u8,
    /// Whether trustee 2 lies and trustee 3 is away.
    pub(crate) faults: bool,
    /// Members of the fallback board, where the policy has one.
    pub(crate) fallback: u8,
    /// Opened once: stretching a passphrase takes its time.
    identities: RefCell<BTreeMap<String, Rc<Identity>>>,
}

/// Sub-folders of a folder with bids, sorted.
pub(crate) fn sub_folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|e| Failure::io(folder, &e))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    Ok(found)
}

/// A valid unified social credit code for bidder `number` (GB 32100: weights 3^i modulo 31).
pub(crate) fn credit_code(number: usize) -> String {
    const SIGNS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let organisation = format!("{:08}", 70_000_000 + number * 7_919);
    let weights = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = organisation
        .chars()
        .zip(weights)
        .map(|(c, w)| c.to_digit(10).unwrap_or(0) * w)
        .sum();
    let check = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).unwrap_or('0'),
    };
    let body = format!("91371000{organisation}{check}");
    let mut weight = 1;
    let mut total = 0;
    for sign in body.bytes() {
        total += SIGNS.iter().position(|s| *s == sign).unwrap_or(0) * weight;
        weight = weight * 3 % 31;
    }
    let last = SIGNS[(31 - total % 31) % 31] as char;
    format!("{body}{last}")
}

pub(crate) fn company(number: usize) -> String {
    let base = COMPANIES[(number - 1) % COMPANIES.len()];
    match (number - 1) / COMPANIES.len() {
        0 => format!("{base}有限公司"),
        more => format!("{base}第{more}分公司"),
    }
}

fn ca_profile(name: &str, root: &Certificate, usages: &[Usage], from: Time) -> CaProfile {
    CaProfile {
        name: name.to_owned(),
        roots: vec![base64(root.der())],
        from,
        until: None,
        kinds: vec![CertificateKind::Encryption, CertificateKind::Signing],
        usages: usages.to_vec(),
        code: CodePlace::usual(),
    }
}

impl World {
    /// Certificates for everybody, and the board's key.
    pub(crate) fn make(ui: &Ui, args: &DemoArgs, root: &Path) -> Result<Self, Failure> {
        let suite = args.suite.suite();
        let mut pin = Zeroizing::new(vec![0; 16]);
        SystemEntropy::new().fill(&mut pin)?;
        let quiet = Ui {
            quiet: true,
            lang: ui.lang,
            pin_file: None,
            pin_fd: None,
            pin_given: RefCell::new(Pins::for_all(hex::encode(&*pin).into_bytes())),
        };
        let (quorum, trustees) = if args.faults {
            BOARD_WITH_FAULTS
        } else {
            BOARD
        };
        let mut world = World {
            quorum,
            trustees,
            faults: args.faults,
            fallback: if args.policy.has_remedy() {
                FALLBACK
            } else {
                0
            },
            root: root.to_owned(),
            suite,
            ui: quiet,
            ca: root.join("ca"),
            second: (args.cas == 2).then(|| root.join("ca2")),
            board_files: Vec::new(),
            identities: RefCell::new(BTreeMap::new()),
        };
        ui.title("1. 证书", "1. certificates");
        world.issue_all(args.bidders)?;
        if world.second.is_some() {
            world.first_list(ui)?;
        }
        ui.say(
            format!("根与签发CA；{} 家投标人各有签名与加密双证书；采购人、代理机构、平台、{trustees} 名受托人、{CANDIDATES} 名候选专家、时间戳机构", args.bidders),
            format!("root and issuing CA; dual certificates for {} bidders; buyer, agency, host, {trustees} trustees, {CANDIDATES} candidate experts, time-stamp authority", args.bidders),
        );
        ui.title(
            &format!("2. 开标委员会共同生成密钥（{trustees} 人中 {quorum} 人）"),
            &format!("2. the board makes its key together ({quorum} of {trustees})"),
        );
        let key = world.make_board("demo-board", "trustee", (quorum, trustees))?;
        ui.say(
            format!("委员会公钥摘要 {key}"),
            format!("digest of the board's key {key}"),
        );
        if args.policy.has_one_time_key() {
            // The same people, with keys of their own for this board.
            let (t, n) = (world.quorum, world.trustees);
            world.second_folders(n)?;
            let key = world.make_board(ORIGIN, "keeper", (t, n))?;
            ui.say(
                format!("本项目专用密钥（{n} 人中 {t} 人，开标时公开份额）公钥摘要 {key}"),
                format!(
                    "digest of the key for this tender alone ({t} of {n}, revealed at the opening) {key}"
                ),
            );
        }
        if world.fallback > 0 {
            let key = world.make_board("demo-fallback", "fallback", (FALLBACK, FALLBACK))?;
            ui.say(
                format!("备用委员会（补救方案，{FALLBACK} 人缺一不可）公钥摘要 {key}"),
                format!(
                    "digest of the fallback board's key (remedy plan, all {FALLBACK} needed) {key}"
                ),
            );
        }
        Ok(world)
    }

    fn issue_all(&self, bidders: usize) -> Result<(), Failure> {
        let now = clock::now();
        identity::init_ca(&self.ui, &self.ca, self.suite, "演示认证中心", now)?;
        let ca = Ca::load(&self.ui, &self.ca)?;
        let issue = |kind, name: &str, uscc: Option<&str>, folder: &str| {
            ca.issue(&self.ui, kind, name, uscc, &self.root.join(folder), now)
        };
        issue(Kind::Buyer, "县人民医院", None, "buyer")?;
        issue(Kind::Agency, "齐鲁招标代理有限公司", None, "agency")?;
        issue(Kind::Host, "公共资源交易平台", None, "platform")?;
        issue(Kind::Tsa, "演示时间戳机构", None, "tsa")?;
        for index in 1..=self.trustees {
            issue(
                Kind::Trustee,
                TRUSTEE_NAMES[usize::from(index) - 1],
                None,
                &format!("trustee{index}"),
            )?;
        }
        for index in 1..=self.fallback {
            issue(
                Kind::Trustee,
                FALLBACK_NAMES[usize::from(index) - 1],
                None,
                &format!("fallback{index}"),
            )?;
        }
        for index in 1..=CANDIDATES {
            issue(
                Kind::Expert,
                &format!("专家{index:02}"),
                None,
                &format!("expert{index}"),
            )?;
        }
        issue(Kind::Agency, "省CA互认名单管理机构", None, "operator")?;
        issue(Kind::Agency, "演示印章制作中心", None, "sealmaker")?;
        let second = match &self.second {
            Some(folder) => {
                identity::init_ca(&self.ui, folder, self.suite, "第二认证中心", now)?;
                Some(Ca::load(&self.ui, folder)?)
            }
            None => None,
        };
        for number in 1..=bidders {
            // With two CAs every second bidder is the other's customer.
            let ca = second.as_ref().filter(|_| number % 2 == 0).unwrap_or(&ca);
            let folder = self.root.join(format!("bidder{number}"));
            let code = credit_code(number);
            ca.issue(
                &self.ui,
                Kind::Bidder,
                &company(number),
                Some(&code),
                &folder,
                now,
            )?;
        }
        Ok(())
    }

    /// The operator's first list, with the first CA alone.
    fn first_list(&self, ui: &Ui) -> Result<(), Failure> {
        let operator = identity::load_certificate(&self.root.join("operator/sign.cer"))?;
        let root = identity::load_certificate(&self.ca.join("root.cer"))?;
        let now = clock::now().trunc_millis();
        let list = TrustList {
            v: 1,
            name: "演示CA互认名单".to_owned(),
            suite: self.suite.id().to_owned(),
            version: 1,
            previous: None,
            effective: now,
            operators: vec![operator.fingerprint(self.suite.hash())],
            cas: vec![ca_profile("演示认证中心", &root, &Usage::ALL, now)],
        };
        self.sign_list(&list, &self.path("trust/list-1.trust"))?;
        ui.say(
            "CA互认名单第 1 版：只有第一家CA；双号投标人的证书由第二家CA签发",
            "trust list, version 1: the first CA alone; bidders with even numbers are the second CA's customers",
        );
        Ok(())
    }

    /// The next version, with the second CA for bidders.
    pub(crate) fn next_list(&self, last: &Path, out: &Path) -> Result<(), Failure> {
        let Some(second) = &self.second else {
            return Ok(());
        };
        let now = clock::now().trunc_millis();
        let root = identity::load_certificate(&second.join("root.cer"))?;
        let mut list = trust::load(last)?.list()?.successor(now)?;
        let usages = [Usage::BidEncryption, Usage::BidSigning];
        list.cas
            .push(ca_profile("第二认证中心", &root, &usages, now));
        list.cas.sort_by(|a, b| a.name.cmp(&b.name));
        self.sign_list(&list, out)
    }

    fn sign_list(&self, list: &TrustList, out: &Path) -> Result<(), Failure> {
        let operator = self.identity("operator")?;
        let signed = SignedTrustList::sign(list, &operator.signer, clock::now())?;
        crate::ui::write(out, &signed.to_file()?)
    }

    /// Key generation among `n` members with folders `who1`, `who2` …; the digest of the key.
    fn make_board(
        &mut self,
        session: &str,
        who: &str,
        (t, n): (u8, u8),
    ) -> Result<Digest, Failure> {
        let mut files = Vec::new();
        let member = |index| self.identity(&format!("{who}{index}"));
        let path = |index, step: &str| self.root.join(format!("board/{who}{index}.{step}.rec"));
        for index in 1..=n {
            let out = path(index, "join");
            let join = person::Join {
                session,
                index,
                t,
                n,
            };
            person::board_join(&self.ui, &*member(index)?, &join, &out)?;
            files.push(out);
        }
        let joined = files.clone();
        for index in 1..=n {
            let out = path(index, "round1");
            person::board_round1(&self.ui, &*member(index)?, &joined, &out)?;
            files.push(out);
        }
        let first = files.clone();
        for index in 1..=n {
            let out = path(index, "round2");
            person::board_round2(&self.ui, &*member(index)?, &first, &out)?;
            files.push(out);
        }
        let key = person::board_key(self.suite, &files)?;
        self.board_files.append(&mut files);
        Ok(key)
    }

    /// For each trustee a second folder: the same certificate, other keys.
    fn second_folders(&self, n: u8) -> Result<(), Failure> {
        for index in 1..=n {
            let (from, to) = (format!("trustee{index}"), format!("keeper{index}"));
            let (from, to) = (self.path(from), self.path(to));
            fs::create_dir_all(&to).map_err(|e| Failure::io(&to, &e))?;
            let entries = fs::read_dir(&from).map_err(|e| Failure::io(&from, &e))?;
            for entry in entries {
                let entry = entry.map_err(|e| Failure::io(&from, &e))?;
                let own = entry.file_name();
                if own == "static.key" || own == "witness.key" {
                    continue;
                }
                fs::copy(entry.path(), to.join(&own))
                    .map_err(|e| Failure::io(&entry.path(), &e))?;
            }
        }
        Ok(())
    }

    /// Trustees who are there.
    pub(crate) fn present(&self) -> Vec<u8> {
        let away = self.faults.then_some(3);
        (1..=self.trustees).filter(|i| Some(*i) != away).collect()
    }

    /// A quorum of trustees who are there and do as they should.
    pub(crate) fn ready(&self) -> Vec<u8> {
        let liar = self.faults.then_some(2);
        let honest = self.present().into_iter().filter(|i| Some(*i) != liar);
        honest.take(self.quorum.into()).collect()
    }

    pub(crate) fn identity(&self, folder: &str) -> Result<Rc<Identity>, Failure> {
        if let Some(known) = self.identities.borrow().get(folder) {
            return Ok(Rc::clone(known));
        }
        let identity = Rc::new(Identity::load(&self.ui, &self.root.join(folder))?);
        self.identities
            .borrow_mut()
            .insert(folder.to_owned(), Rc::clone(&identity));
        Ok(identity)
    }

    pub(crate) fn trustee(&self, index: u8) -> Result<Rc<Identity>, Failure> {
        self.identity(&format!("trustee{index}"))
    }

    /// A voice that says nothing, in the same language.
    pub(crate) fn quiet_clone(&self) -> Ui {
        Ui {
            quiet: true,
            lang: self.ui.lang,
            pin_file: None,
            pin_fd: None,
            pin_given: RefCell::new(self.ui.pin_given.borrow().clone()),
        }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// Starts the host's log and takes in the board's records; its heads go into an anchor log.
    pub(crate) fn start_host(&self) -> Result<host::FolderHost, Failure> {
        let args = host::HostArgs::folder(self.path("host"), self.path("platform"));
        let kept = host::Kept::default();
        anchor::begin(&self.ui, (&args.id, &kept), self.suite, ANCHOR)?;
        let list = self
            .second
            .as_ref()
            .map(|_| self.path("trust/list-1.trust"));
        let trust = match list {
            Some(_) => Vec::new(),
            None => vec![self.ca.join("root.cer")],
        };
        let mut host = host::init(&self.ui, &args, self.suite, ORIGIN, &trust, list.as_deref())?;
        for ca in [Some(&self.ca), self.second.as_ref()].into_iter().flatten() {
            for list in ["root.crl", "ca.crl"] {
                host.add_crl(&crate::ui::read(&ca.join(list))?)?;
            }
        }
        for file in &self.board_files {
            host::accept(&self.ui, &mut host, file, None, None)?;
        }
        Ok(host)
    }
}
