//! The seal information form (电子印章信息采集表): sixteen fields of the unit and three persons.

use crate::Error;
use mifeng_crypto::Digest;
use mifeng_record::calendar::Date;
use mifeng_record::region::Region;
use mifeng_record::uscc::{Uscc, Verdict};
use serde::{Deserialize, Serialize};

/// Characters of one field: the longest name of a unit in public lists has about 60.
pub const TEXT_LEN_MAX: usize = 200;

/// The unit that the seal is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// 单位名称.
    pub name: String,
    /// 单位编码, in the budget system.
    pub code: String,
    /// 主管部门; empty for a unit that has none.
    pub superior: String,
    /// 行政区划, six digits.
    pub region: String,
    /// 统一社会信用代码.
    pub uscc: String,
    /// 单位性质, as 行政单位, 事业单位, 企业.
    pub nature: String,
    /// 预算级次; empty for an enterprise.
    pub level: String,
    /// 单位地址.
    pub address: String,
    /// 邮政编码, six digits.
    pub postcode: String,
    /// 单位电话.
    pub phone: String,
    /// 电子邮箱; may be empty.
    pub email: String,
    /// 证照名称, as 事业单位法人证书, 营业执照.
    pub licence: String,
    /// 证照编号.
    pub licence_number: String,
    /// 证照有效期止, a day, or `long-term`.
    pub licence_until: String,
    /// 成立日期.
    pub founded: String,
    /// 公安机关印章备案编号; empty if it is not filed.
    pub filing: String,
}

/// A person of the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// 姓名.
    pub name: String,
    /// 职务; may be empty.
    pub post: String,
    /// 电话.
    pub phone: String,
    /// The fingerprint of the certificate that this person signs records with, if it signs any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<Digest>,
}

/// The form. Numbers of identity cards are not asked for: what the maker looked at stays with the maker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// 单位.
    pub unit: Unit,
    /// 法定代表人（单位负责人）.
    pub representative: Person,
    /// 经办人.
    pub handler: Person,
    /// 印章保管人.
    pub keeper: Person,
}

impl Form {
    /// Checks every field. `vouched` is the credit code in the applicant's certificate: a code whose check
    /// characters fail is taken only if a CA put that very code there.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the field, [`Error::CreditCode`].
    pub fn check(&self, vouched: Option<&str>) -> Result<(), Error> {
        let unit = &self.unit;
        for (what, text, needed) in [
            ("单位名称 name", &unit.name, true),
            ("单位编码 code", &unit.code, true),
            ("主管部门 superior", &unit.superior, false),
            ("单位性质 nature", &unit.nature, true),
            ("预算级次 level", &unit.level, false),
            ("单位地址 address", &unit.address, true),
            ("证照名称 licence", &unit.licence, true),
            ("证照编号 licence_number", &unit.licence_number, true),
            ("备案编号 filing", &unit.filing, false),
        ] {
            check_text(what, text, needed)?;
        }
        if Region::parse(&unit.region).is_none() {
            return Err(Error::malformed(
                "行政区划 region",
                "expected six digits of GB/T 2260",
            ));
        }
        if unit.postcode.len() != 6 || !unit.postcode.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::malformed("邮政编码 postcode", "expected six digits"));
        }
        check_phone("单位电话 phone", &unit.phone)?;
        if !unit.email.is_empty() {
            check_email(&unit.email)?;
        }
        let day = |text: &str| text.parse::<Date>().is_ok();
        if unit.licence_until != "long-term" && !day(&unit.licence_until) {
            return Err(Error::malformed(
                "证照有效期 licence_until",
                "expected YYYY-MM-DD or long-term",
            ));
        }
        if !day(&unit.founded) {
            return Err(Error::malformed("成立日期 founded", "expected YYYY-MM-DD"));
        }
        check_code(&unit.uscc, vouched)?;
        for (name, phone, person) in [
            (
                "法定代表人 representative",
                "法定代表人电话 representative.phone",
                &self.representative,
            ),
            ("经办人 handler", "经办人电话 handler.phone", &self.handler),
            ("保管人 keeper", "保管人电话 keeper.phone", &self.keeper),
        ] {
            check_text(name, &person.name, true)?;
            check_text(name, &person.post, false)?;
            check_phone(phone, &person.phone)?;
        }
        Ok(())
    }
}

pub(crate) fn check_text(what: &'static str, text: &str, needed: bool) -> Result<(), Error> {
    let count = text.chars().count();
    if count > TEXT_LEN_MAX {
        return Err(Error::malformed(what, "more than 200 characters"));
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(Error::malformed(
            what,
            "control characters, or blanks at an end",
        ));
    }
    if needed && count == 0 {
        return Err(Error::malformed(what, "empty"));
    }
    Ok(())
}

/// Digits, and what stands between them: 0539-2252210, +86 539 2252210, 2252210转8001.
fn check_phone(what: &'static str, text: &str) -> Result<(), Error> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let known = |c: char| c.is_ascii_digit() || "+- 转".contains(c);
    if !(5..=20).contains(&digits) || !text.chars().all(known) || text.trim() != text {
        return Err(Error::malformed(what, "expected a telephone number"));
    }
    Ok(())
}

fn check_email(text: &str) -> Result<(), Error> {
    let bad = || Error::malformed("电子邮箱 email", "expected name@domain");
    let (name, domain) = text.split_once('@').ok_or_else(bad)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    let fits = text.len() <= TEXT_LEN_MAX
        && !name.is_empty()
        && domain.contains('.')
        && name.chars().chain(domain.chars()).all(plain);
    if fits { Ok(()) } else { Err(bad()) }
}

fn check_code(text: &str, vouched: Option<&str>) -> Result<(), Error> {
    let bad = |rule| {
        Err(Error::CreditCode {
            found: text.chars().take(40).collect(),
            rule,
        })
    };
    let Ok(code) = Uscc::parse(text) else {
        return bad("not 18 characters of GB 32100");
    };
    match vouched {
        Some(vouched) if vouched != text => bad("the applicant's certificate names another one"),
        Some(_) => Ok(()),
        None if code.verdict() == Verdict::Ok => Ok(()),
        None => bad("its check characters do not hold, and no certificate vouches for it"),
    }
}
