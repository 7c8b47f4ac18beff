//! What the host itself has to say, in Chinese and English; rules speak for themselves.

use axum::http::{HeaderMap, StatusCode, header};

/// Language of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Chinese, unless asked otherwise.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// From `Accept-Language`: the first of the two that is named, without weighing (RFC 9110 12.5.4 allows it).
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let named = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .filter(|text| text.len() <= crate::limits::LANGUAGE_LEN_MAX);
        let mut wanted = named.unwrap_or_default().split(',').map(str::trim_start);
        match wanted.find(|one| one.starts_with("zh") || one.starts_with("en")) {
            Some(one) if one.starts_with("en") => Lang::En,
            _ => Lang::Zh,
        }
    }

    /// The text in this language.
    pub(crate) fn t<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// As HTML and HTTP call it.
    pub(crate) fn tag(self) -> &'static str {
        self.t("zh-CN", "en")
    }
}

macro_rules! faults {
    ($($name:ident = $code:literal, $status:ident, $zh:literal, $en:literal;)*) => {
        /// What is wrong with a request, before any rule of a tender is asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault { $($name,)* }

        impl Fault {
            /// Every one, for the documents and tests.
            #[cfg(test)]
            pub(crate) const ALL: &[Fault] = &[$(Fault::$name,)*];

            /// Code, status, Chinese and English.
            pub(crate) fn facts(self) -> (&'static str, StatusCode, &'static str, &'static str) {
                match self { $(Fault::$name => ($code, StatusCode::$status, $zh, $en),)* }
            }
        }
    };
}

faults! {
    NoRoute = "http.no-route", NOT_FOUND, "没有此地址", "there is nothing at this address";
    NoTender = "http.no-tender", NOT_FOUND, "没有此项目", "there is no such tender";
    NoMethod = "http.no-method", METHOD_NOT_ALLOWED, "此地址不支持该方法", "this address does not take that method";
    NoUpload = "upload.unknown", NOT_FOUND, "没有此上传，请先提交记录开始上传", "no such upload: begin it with its record";
    NoBlock = "upload.no-block", NOT_FOUND, "文件没有这一块", "the file has no such block";
    BlockLength = "upload.block-length", BAD_REQUEST, "块的长度不符", "the block does not have its length";
    BlocksMissing = "upload.incomplete", CONFLICT, "还有块未上传", "blocks are missing";
    BeingRead = "upload.being-read", SERVICE_UNAVAILABLE, "文件正在读取，请稍后再试", "the file is being read: try again in a moment";
    UploadsFull = "upload.full", SERVICE_UNAVAILABLE, "未完成的上传过多，请稍后再试", "too many unfinished uploads: try again later";
    NoReceipt = "receipt.unknown", NOT_FOUND, "没有此回执；再次提交同一记录即可取得", "no such receipt: submit the same record again to get it";
    NoAnchorLog = "anchor.none", NOT_FOUND, "平台没有此锚定日志，或其中尚无内容", "the host keeps no such anchor log, or it has no entry yet";
    NoDocument = "document.unknown", NOT_FOUND, "没有记录提到此文件", "no record names this document";
    OtherDocument = "document.other", BAD_REQUEST, "文件与其摘要不符", "the document does not have its hash";
    NotYet = "tender.not-yet", NOT_FOUND, "此时尚不公开", "this is not shown yet";
    NoRange = "http.no-range", RANGE_NOT_SATISFIABLE, "文件没有这一段", "the file has no such part";
    TooLarge = "http.too-large", PAYLOAD_TOO_LARGE, "请求正文过大", "the body of the request is too large";
    TooSlow = "http.too-slow", REQUEST_TIMEOUT, "请求正文到达过慢", "the body of the request came too slowly";
    Cut = "http.cut", BAD_REQUEST, "请求正文不完整", "the body of the request is not whole";
    CrossSite = "http.cross-site", FORBIDDEN, "拒绝来自其他网站的请求", "requests from other sites are refused";
    BadPath = "http.bad-path", BAD_REQUEST, "地址不合规", "the address is not in due form";
    BadStatement = "access.statement", FORBIDDEN, "登录声明不成立", "the statement does not sign in here";
    OtherHost = "access.other-host", FORBIDDEN, "平台不以此名称对外，不能登录；运维人员可用 --public-name 指定名称", "the host is not known by this name, nobody signs in to it: the operator gives names with --public-name";
    BadGrant = "access.grant", FORBIDDEN, "授权不成立", "the grant does not hold";
    NoFile = "access.no-file", NOT_FOUND, "没有此文件", "there is no such file";
    BeingOpened = "opened.incomplete", SERVICE_UNAVAILABLE, "开标文件正在重新解密，尚不齐全，请稍后再试", "the opened bids are being opened again and are not all here: try again in a moment";
    NoRoom = "http.no-room", SERVICE_UNAVAILABLE, "同时到达的内容过多，请稍后再试", "too much is arriving at the same time: try again in a moment";
    TooOften = "http.too-often", TOO_MANY_REQUESTS, "请求过于频繁，请稍后再试", "too many requests: try again in a moment";
    Crowded = "http.crowded", SERVICE_UNAVAILABLE, "听众已满，请稍后再试", "too many listeners: try again later";
    NotWriter = "not.writer", SERVICE_UNAVAILABLE, "本副本不写入此项目，请向另一副本提交", "this replica does not write this tender: hand it in at another one";
    Internal = "bug", INTERNAL_SERVER_ERROR, "程序内部错误，请报告", "internal error: please report it";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_code_of_its_own_and_both_languages() {
        let codes: std::collections::BTreeSet<&str> =
            Fault::ALL.iter().map(|fault| fault.facts().0).collect();
        assert_eq!(codes.len(), Fault::ALL.len());
        for fault in Fault::ALL {
            let (_, status, zh, en) = fault.facts();
            assert!(status.is_client_error() || status.is_server_error());
            assert!(!zh.is_ascii() && en.is_ascii());
        }
    }
}
