//! One LDAP question (RFC 4511): an anonymous search of one entry for its revocation list. Chinese
//! CAs publish lists so; a client for this one question is shorter than a library for all of LDAP.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

const PORT: u16 = 389;
/// Answers read before giving up: referrals and notices may stand before the entry.
const MESSAGES_MAX: usize = 16;
/// The attribute in a directory (RFC 4523), and what to ask for in its place if a URL says so.
const ATTRIBUTE: &str = "certificateRevocationList;binary";

const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const ENUMERATED: u8 = 10;
const SEQUENCE: u8 = 0x30;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
/// `present` filter.
const PRESENT: u8 = 0x87;

struct Question {
    host: String,
    port: u16,
    base: String,
    attribute: String,
}

/// `ldap://host[:port]/base[?attributes[?…]]` (RFC 4516).
fn parse(url: &str) -> Option<Question> {
    let rest = url.get("ldap://".len()..)?;
    let (place, rest) = rest.split_once('/')?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (place, PORT),
    };
    let mut parts = rest.split('?');
    let base = decode(parts.next()?)?;
    let asked = parts.next().and_then(|list| list.split(',').next());
    let attribute = asked.map(decode).unwrap_or_default().unwrap_or_default();
    Some(Question {
        host: host.to_owned(),
        port,
        base,
        attribute: match attribute.as_str() {
            "" => ATTRIBUTE.to_owned(),
            asked if asked.contains(';') => asked.to_owned(),
            asked => format!("{asked};binary"),
        },
    })
    .filter(|question| !question.host.is_empty() && !question.base.is_empty())
}

/// Percent-decoding of a URL's part.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(core::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match len {
        0..=0x7f => out.push(len as u8),
        0x80..=0xff => out.extend([0x81, len as u8]),
        _ => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

fn request(question: &Question) -> Vec<u8> {
    let search = tlv(
        SEARCH_REQUEST,
        &[
            &tlv(OCTETS, &[question.base.as_bytes()]),
            // baseObject, neverDerefAliases, one entry, thirty seconds, values too.
            &[
                ENUMERATED, 1, 0, ENUMERATED, 1, 0, INTEGER, 1, 1, INTEGER, 1, 30, 1, 1, 0,
            ],
            &tlv(PRESENT, &[b"objectClass"]),
            &tlv(SEQUENCE, &[&tlv(OCTETS, &[question.attribute.as_bytes()])]),
        ],
    );
    tlv(SEQUENCE, &[&[INTEGER, 1, 1], &search])
}

/// A definite BER element: tag, value, rest.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = input.split_first_chunk::<2>()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |n, d| n << 8 | usize::from(*d)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((tag, value, rest))
}

/// Reads one message, whose length may not exceed `max`, before `end`.
fn message(stream: &mut TcpStream, max: u64, end: Instant) -> Result<Vec<u8>, String> {
    let mut head = [0; 2];
    read(stream, &mut head, end)?;
    let mut bytes = head.to_vec();
    let len = match head[1] {
        0..=0x7f => u64::from(head[1]),
        0x81..=0x84 => {
            let mut digits = vec![0; usize::from(head[1] & 0x7f)];
            read(stream, &mut digits, end)?;
            bytes.extend_from_slice(&digits);
            digits.iter().fold(0, |n, d| n << 8 | u64::from(*d))
        }
        _ => return Err("not LDAP".to_owned()),
    };
    if head[0] != SEQUENCE || len > max {
        return Err(format!("not LDAP, or more than {max} bytes"));
    }
    // Piece by piece: a length alone reserves no memory.
    let mut left = usize::try_from(len).map_err(|e| e.to_string())?;
    let mut piece = vec![0; 1 << 16];
    while left > 0 {
        let size = left.min(piece.len());
        read(stream, &mut piece[..size], end)?;
        bytes.extend_from_slice(&piece[..size]);
        left -= size;
    }
    Ok(bytes)
}

fn read(stream: &mut TcpStream, out: &mut [u8], end: Instant) -> Result<(), String> {
    let mut at = 0;
    while at < out.len() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("no answer in time".to_owned());
        }
        stream
            .set_read_timeout(Some(left))
            .map_err(|e| e.to_string())?;
        match stream.read(&mut out[at..]) {
            Ok(0) => return Err("the server hung up".to_owned()),
            Ok(n) => at += n,
            Err(e) => return Err(e.to_string()),
        }
    }
    Ok(())
}

/// The first value of the entry, if the message is one.
fn value_of(body: &[u8]) -> Option<Vec<u8>> {
    let (_, _name, attributes) = element(body)?;
    let (SEQUENCE, mut attributes, _) = element(attributes)? else {
        return None;
    };
    while let Some((_, attribute, rest)) = element(attributes) {
        let (_, _kind, values) = element(attribute)?;
        let (_, values, _) = element(values)?;
        if let Some((OCTETS, value, _)) = element(values) {
            return Some(value.to_vec());
        }
        attributes = rest;
    }
    None
}

/// Asks the directory of an `ldap://` address for its revocation list.
///
/// # Errors
/// One sentence: the address, the network, or what the server answered.
pub(super) fn certificate_revocation_list(
    url: &str,
    timeout: Duration,
    max: u64,
) -> Result<Vec<u8>, String> {
    let end = Instant::now() + timeout;
    let question = parse(url).ok_or("not an address like ldap://host/base?attribute")?;
    let mut places = (question.host.as_str(), question.port)
        .to_socket_addrs()
        .map_err(|e| e.to_string())?;
    let place = places.next().ok_or("no such host")?;
    let mut stream = TcpStream::connect_timeout(&place, timeout).map_err(|e| e.to_string())?;
    stream
        .set_write_timeout(Some(timeout))
        .and_then(|()| stream.write_all(&request(&question)))
        .map_err(|e| e.to_string())?;
    for _ in 0..MESSAGES_MAX {
        let bytes = message(&mut stream, max, end)?;
        let inner = element(&bytes).map(|(_, inner, _)| inner);
        let operation = inner.and_then(|inner| element(inner).map(|(_, _, rest)| rest));
        match operation.and_then(element) {
            Some((SEARCH_ENTRY, body, _)) => {
                return value_of(body).ok_or_else(|| "the entry has no such attribute".to_owned());
            }
            Some((SEARCH_DONE, body, _)) => {
                let code = element(body).and_then(|(_, code, _)| code.first().copied());
                return Err(format!("no such entry (result {})", code.unwrap_or(255)));
            }
            Some(_) => {}
            None => return Err("not LDAP".to_owned()),
        }
    }
    Err("no entry among the answers".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let question = parse(
            "ldap://ldap.example:1389/CN=%E6%A0%B9,C=CN?certificateRevocationList?base?objectClass=*",
        );
        let question = question.expect("an address");
        assert_eq!(
            (question.host.as_str(), question.port),
            ("ldap.example", 1_389)
        );
        assert_eq!(question.base, "CN=根,C=CN");
        assert_eq!(question.attribute, ATTRIBUTE);
        let plain = parse("ldap://h/c=CN").expect("an address");
        assert_eq!((plain.port, plain.attribute.as_str()), (PORT, ATTRIBUTE));
        for wrong in [
            "ldap://",
            "ldap:///c=CN",
            "ldap://h",
            "ldap://h/",
            "ldap://h:x/c=CN",
            "ldap://h/%zz",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn elements_end_where_they_say() {
        assert_eq!(element(&[4, 1, 7, 9]), Some((4, &[7][..], &[9][..])));
        for wrong in [
            &[4][..],
            &[4, 2, 1],
            &[4, 0x80, 0, 0],
            &[4, 0x85, 0, 0, 0, 0, 0],
            &[4, 0x84, 255, 255, 255, 255],
        ] {
            assert_eq!(element(wrong), None, "{wrong:?}");
        }
    }
}
