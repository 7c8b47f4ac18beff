//! Region codes (GB/T 2260): six digits, two each for province, prefecture and county.
//!
//! The counties change every year and belong to dated lists of the host; the provinces have stood
//! since 1999 and are checked here.
//!
//! ```
//! use mifeng_record::region::{Level, Region};
//! let yishui = Region::parse("371323").expect("a county of Shandong");
//! assert_eq!((yishui.province().1, yishui.level()), ("Shandong", Level::County));
//! assert!(Region::parse("991323").is_none());
//! ```

/// First two digits, Chinese and English name (GB/T 2260-2007). 10 stands for the central offices
/// that give credit codes themselves (GB 32100).
const PROVINCES: [(u8, &str, &str); 35] = [
    (10, "中央", "central offices"),
    (11, "北京市", "Beijing"),
    (12, "天津市", "Tianjin"),
    (13, "河北省", "Hebei"),
    (14, "山西省", "Shanxi"),
    (15, "内蒙古自治区", "Inner Mongolia"),
    (21, "辽宁省", "Liaoning"),
    (22, "吉林省", "Jilin"),
    (23, "黑龙江省", "Heilongjiang"),
    (31, "上海市", "Shanghai"),
    (32, "江苏省", "Jiangsu"),
    (33, "浙江省", "Zhejiang"),
    (34, "安徽省", "Anhui"),
    (35, "福建省", "Fujian"),
    (36, "江西省", "Jiangxi"),
    (37, "山东省", "Shandong"),
    (41, "河南省", "Henan"),
    (42, "湖北省", "Hubei"),
    (43, "湖南省", "Hunan"),
    (44, "广东省", "Guangdong"),
    (45, "广西壮族自治区", "Guangxi"),
    (46, "海南省", "Hainan"),
    (50, "重庆市", "Chongqing"),
    (51, "四川省", "Sichuan"),
    (52, "贵州省", "Guizhou"),
    (53, "云南省", "Yunnan"),
    (54, "西藏自治区", "Tibet"),
    (61, "陕西省", "Shaanxi"),
    (62, "甘肃省", "Gansu"),
    (63, "青海省", "Qinghai"),
    (64, "宁夏回族自治区", "Ningxia"),
    (65, "新疆维吾尔自治区", "Xinjiang"),
    (71, "台湾省", "Taiwan"),
    (81, "香港特别行政区", "Hong Kong"),
    (82, "澳门特别行政区", "Macao"),
];

/// A region code whose province exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// Index of the province.
    province: u8,
    /// The last four digits.
    below: u16,
}

/// How far down a code names a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Ends in 0000.
    Province,
    /// Ends in 00.
    Prefecture,
    /// All six digits.
    County,
}

impl Region {
    /// Reads six digits; `None` for another form, an unknown province, or a county (last two
    /// digits) of no prefecture (middle two).
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 6 && text.bytes().all(|sign| sign.is_ascii_digit());
        if !digits {
            return None;
        }
        let code: u8 = text[..2].parse().ok()?;
        let below: u16 = text[2..].parse().ok()?;
        let at = PROVINCES.iter().position(|row| row.0 == code)?;
        let orphan = below > 0 && below < 100;
        (!orphan).then_some(Self {
            province: u8::try_from(at).ok()?,
            below,
        })
    }

    /// The province in Chinese and English.
    pub fn province(self) -> (&'static str, &'static str) {
        let (_, zh, en) = PROVINCES[usize::from(self.province)];
        (zh, en)
    }

    /// How far down the code names a place.
    pub fn level(self) -> Level {
        match self.below {
            0 => Level::Province,
            below if below % 100 == 0 => Level::Prefecture,
            _ => Level::County,
        }
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (code, _, _) = PROVINCES[usize::from(self.province)];
        write!(f, "{code}{:04}", self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_forms() {
        for (text, level, zh) in [
            ("370000", Level::Province, "山东省"),
            ("371000", Level::Prefecture, "山东省"),
            ("371323", Level::County, "山东省"),
            ("150100", Level::Prefecture, "内蒙古自治区"),
            ("420506", Level::County, "湖北省"),
            ("100000", Level::Province, "中央"),
        ] {
            let region = Region::parse(text).expect("a region");
            assert_eq!((region.level(), region.province().0), (level, zh), "{text}");
            assert_eq!(region.to_string(), text);
        }
        for text in [
            "", "37", "000000", "160000", "3713231", "37132X", "370001", "山东",
        ] {
            assert_eq!(Region::parse(text), None, "{text}");
        }
    }

    #[test]
    fn provinces_are_in_order() {
        assert!(PROVINCES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
