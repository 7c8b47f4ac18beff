//! The texts of the ceremony: roles, and what is done, seen and feared in each step.

use super::Ceremony;

type Both = (&'static str, &'static str);

/// A role card: name, duty, what this person checks.
pub(super) struct Role {
    pub(super) zh: (&'static str, &'static str, &'static str),
    pub(super) en: (&'static str, &'static str, &'static str),
}

pub(super) const ROLES: &[Role] = &[
    Role {
        zh: (
            "主持人",
            "宣读脚本，宣布每步开始与完成；不碰任何受托人的电脑",
            "每个方框都有人打勾，没有人替别人输入口令",
        ),
        en: (
            "chair",
            "reads the script, calls each step; touches no trustee's machine",
            "every box is ticked by a person, nobody types another's passphrase",
        ),
    },
    Role {
        zh: (
            "受托人",
            "在自己的电脑上输入命令，把文件用U盘交到桌上",
            "朗读的八个词与自己屏幕上的完全相同",
        ),
        en: (
            "trustee",
            "types on the own machine, brings files on a stick",
            "the eight words read aloud are those on the own screen",
        ),
    },
    Role {
        zh: (
            "监督人",
            "不操作；记录缺席、中断与任何偏离",
            "在场者与证书上的姓名一致；记录写下的就是发生的",
        ),
        en: (
            "observer",
            "does nothing but watch; notes absences, breaks and every deviation",
            "people are those named in the certificates; the minutes say what happened",
        ),
    },
    Role {
        zh: (
            "技术员",
            "操作桌上的电脑（不联网、无密钥），打印脚本",
            "桌上的电脑里没有任何 *.key 文件",
        ),
        en: (
            "technician",
            "runs the machine on the table (no network, no keys), prints the script",
            "no *.key file is on the machine on the table",
        ),
    },
];

/// One step.
pub(super) struct Step {
    pub(super) key: &'static str,
    pub(super) title: Both,
    pub(super) who: Both,
    pub(super) what: Both,
    pub(super) expect: Both,
    pub(super) trouble: &'static [Both],
}

pub(super) const STEPS: &[Step] = &[
    Step {
        key: "join",
        title: (
            "加入：每人生成自己的静态密钥",
            "joining: everyone makes an own static key",
        ),
        who: ("每位受托人", "every trustee"),
        what: (
            "在自己的电脑上输入下面的命令，并把 join-序号.rec 放进 in/",
            "type this on the own machine and put join-NUMBER.rec into in/",
        ),
        expect: (
            "每位受托人一行八词，本人大声核对",
            "eight words for each trustee, who reads them aloud",
        ),
        trouble: &[
            (
                "有人缺席：密钥生成需要全体；改期，或以其他成员重新开始（新的名称）",
                "someone is absent: key generation needs everyone; adjourn, or begin again with others (new session name)",
            ),
            (
                "文件丢失：从该受托人的电脑再拷一次",
                "a file is lost: copy it again from that trustee's machine",
            ),
        ],
    },
    Step {
        key: "round1",
        title: (
            "第一轮：分发承诺与加密份额",
            "first round: commitments and encrypted shares",
        ),
        who: ("每位受托人", "every trustee"),
        what: (
            "拷走 in/ 中全部 join-*.rec，输入命令，放回 round1-序号.rec",
            "take all join-*.rec from in/, type this, bring back round1-NUMBER.rec",
        ),
        expect: (
            "“协议文本”的八词，全体相同",
            "eight words of the transcript, the same for everyone",
        ),
        trouble: &[
            (
                "程序点名某人的文件有误：以新的名称重来，记录点名",
                "the program names someone's file: begin again under a new session name, and record the name",
            ),
            (
                "电脑中途死机：换一台，恢复 static.key 与口令，再输入同一命令",
                "a laptop dies: take another, restore static.key, type the same command again",
            ),
        ],
    },
    Step {
        key: "round2",
        title: (
            "第二轮：检查份额并签名",
            "second round: check the shares and sign",
        ),
        who: ("每位受托人", "every trustee"),
        what: (
            "拷走 in/ 中全部 *.rec，输入命令，放回 round2-序号.rec",
            "take all *.rec from in/, type this, bring back round2-NUMBER.rec",
        ),
        expect: (
            "“委员会密钥”的八词：这是将写进招标公告的密钥",
            "eight words of the board key: the key that notices will name",
        ),
        trouble: &[
            (
                "某人的份额打不开：其程序点名发送者；用 mifeng board complain 写下投诉，任何人可用 mifeng board status 核对；仪式作废，换名称重做",
                "someone's share is wrong: that program names the sender; mifeng board complain writes the complaint, which anyone checks by mifeng board status; the ceremony is void and begins again under another name",
            ),
            (
                "电脑死机：份额由记录与 static.key 重新算出，无须别的备份",
                "a laptop dies: the share is recomputed from the records and static.key; nothing else needs a backup",
            ),
        ],
    },
    Step {
        key: "trial",
        title: (
            "试开：够人能开，少一人不能",
            "trial: a quorum opens, one fewer does not",
        ),
        who: ("全体", "everyone"),
        what: (
            "演练中由程序试开一个测试密文；正式仪式中，每人在备用电脑上恢复 static.key 并再次运行 round2，核对八词相同",
            "in a rehearsal the program opens a test; in a ceremony everyone restores static.key on a spare machine, runs round2 again and compares the eight words",
        ),
        expect: (
            "演练：打开、打不开、一台电脑恢复后再次打开",
            "rehearsal: opened, not opened, opened again after a machine was restored",
        ),
        trouble: &[(
            "备用电脑算出的词不同：不要使用这把密钥，重新开始",
            "the spare machine shows other words: do not use this key, begin again",
        )],
    },
    Step {
        key: "minutes",
        title: ("记录", "minutes"),
        who: ("主持人、监督人", "chair and observer"),
        what: (
            "程序写出 minutes.json；监督人朗读，补记偏离（写在打印的脚本上）",
            "the program writes minutes.json; the observer reads it aloud and notes deviations on the printed script",
        ),
        expect: ("记录的八词", "eight words of the minutes"),
        trouble: &[(
            "记录与所见不符：不签名，说明理由",
            "the minutes are not what was seen: do not sign, say why",
        )],
    },
    Step {
        key: "sign",
        title: ("签名", "signatures"),
        who: ("每位受托人", "every trustee"),
        what: (
            "拷走 minutes.json，核对八词，签名，把 minutes-序号.p7s 放进 in/",
            "take minutes.json, compare its eight words, sign, bring minutes-NUMBER.p7s",
        ),
        expect: (
            "全部签名有效，且出自各受托人的证书",
            "every signature is valid and of the trustee's certificate",
        ),
        trouble: &[(
            "有人拒签：仪式没有完成，密钥不得使用",
            "someone does not sign: the ceremony is not complete and the key is not used",
        )],
    },
];

impl Step {
    /// What a trustee types; `NUMBER` is the trustee's.
    pub(super) fn commands(&self, ceremony: &Ceremony) -> Vec<String> {
        let (session, t, n) = (&ceremony.session, ceremony.quorum, ceremony.of);
        match self.key {
            "join" => vec![format!(
                "mifeng board join --id FOLDER --session '{session}' --index NUMBER --quorum {t} --of {n} --out join-NUMBER.rec"
            )],
            "round1" => vec![
                "mifeng board round1 --id FOLDER --out round1-NUMBER.rec join-*.rec".to_owned(),
            ],
            "round2" => vec![
                "mifeng board round2 --id FOLDER --out round2-NUMBER.rec join-*.rec round1-*.rec"
                    .to_owned(),
            ],
            "sign" => {
                vec!["mifeng sign minutes.json --id FOLDER --out minutes-NUMBER.p7s".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
