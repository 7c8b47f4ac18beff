//! Errors as they leave the host: `application/problem+json` (RFC 9457) with the engine's stable codes.

use crate::details;
use crate::words::{Fault, Lang};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mifeng::Error;
use mifeng::crypto::Kind;
use serde::{Deserialize, Serialize};

/// What a request fails with.
pub(crate) type Fail = Box<Problem>;

/// An error as the interface tells it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:mifeng:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words, in the language asked for.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was expected and what was found, in the language asked for; the values are the same in each.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The stable code, as `mifeng --json` gives it.
    pub code: String,
    /// The article that a refusal rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The title in the other language, until the language is known.
    #[serde(skip)]
    other: String,
    /// It stands in the journal of refusals already.
    #[serde(skip)]
    pub(crate) is_noted: bool,
}

impl Problem {
    /// What the system said about `what`.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Fail {
        Error::Unavailable {
            what: what.to_owned(),
            detail: error.to_string(),
        }
        .into()
    }

    /// A fault with a code and words of its own.
    pub(crate) fn coded(fault: Fault, code: &str, detail: &str) -> Fail {
        let mut problem = Fail::from(fault);
        problem.kind = format!("urn:mifeng:{code}");
        problem.code = code.to_owned();
        problem.detail = detail.to_owned();
        problem
    }

    /// A "no" of the table of roles; 401 where signing in could help.
    pub(crate) fn denied(rule: &mifeng_access::Rule, sign_in: bool) -> Fail {
        let status = match sign_in {
            true => StatusCode::UNAUTHORIZED,
            false => StatusCode::FORBIDDEN,
        };
        Box::new(Problem {
            kind: format!("urn:mifeng:{}", rule.code),
            title: rule.zh.to_owned(),
            status: status.as_u16(),
            detail: String::new(),
            code: rule.code.to_owned(),
            clause: Some(rule.clause.to_owned()),
            other: rule.en.to_owned(),
            is_noted: false,
        })
    }

    /// The same, which stands in the journal of refusals.
    pub(crate) fn noted(mut self: Box<Self>) -> Fail {
        self.is_noted = true;
        self
    }

    /// In Chinese and in English.
    pub(crate) fn titles(&self) -> (&str, &str) {
        (&self.title, &self.other)
    }

    /// What was expected and what was found, in the language asked for.
    pub(crate) fn detail_in(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => details::chinese(&self.code, &self.detail),
            Lang::En => self.detail.clone(),
        }
    }

    /// In the language asked for.
    pub(crate) fn in_lang(mut self, lang: Lang) -> Response {
        self.detail = self.detail_in(lang);
        if lang == Lang::En {
            std::mem::swap(&mut self.title, &mut self.other);
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut answer = (status, body).into_response();
        let headers = answer.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        let tag = HeaderValue::from_static(lang.tag());
        headers.insert(header::CONTENT_LANGUAGE, tag);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let again = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        if again.contains(&status) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

impl From<Fault> for Fail {
    fn from(fault: Fault) -> Self {
        let (code, status, zh, en) = fault.facts();
        Box::new(Problem {
            kind: format!("urn:mifeng:{code}"),
            title: zh.to_owned(),
            status: status.as_u16(),
            detail: String::new(),
            code: code.to_owned(),
            clause: None,
            other: en.to_owned(),
            is_noted: false,
        })
    }
}

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        let (status, zh, en) = match error.kind() {
            Kind::Refused => (StatusCode::CONFLICT, "规则不允许", "a rule said no"),
            Kind::Malformed => (
                StatusCode::BAD_REQUEST,
                "内容不符合格式",
                "not what it claims to be",
            ),
            Kind::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "暂不可用",
                "not available now",
            ),
            _ => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "程序内部错误",
                "internal error",
            ),
        };
        let code = error.code();
        let (title, other, detail, clause) = match error.refusal() {
            Some(no) => (
                no.zh().to_owned(),
                no.en().to_owned(),
                no.detail().to_owned(),
                Some(no.clause().to_owned()),
            ),
            None => (zh.to_owned(), en.to_owned(), error.to_string(), None),
        };
        Box::new(Problem {
            kind: format!("urn:mifeng:{code}"),
            title,
            status: status.as_u16(),
            detail,
            code: code.to_owned(),
            clause,
            other,
            is_noted: false,
        })
    }
}

/// In Chinese, and carried along until the language is known.
impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        let told = (*self).clone();
        let mut answer = self.in_lang(Lang::Zh);
        answer.extensions_mut().insert(told);
        answer
    }
}
