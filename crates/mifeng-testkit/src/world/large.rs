//! A sealed bid of any size.

use super::{LOT, Sealed, Tender, secs};
use mifeng::bidder::{self, Content};
use mifeng::envelope::{Declarations, MemoryFile, Opening};

/// A bid of bidder `number` with `size` bytes of content.
pub fn large(tender: &mut Tender<'_>, number: usize, size: usize) -> Sealed {
    let person = &tender.cast.bidders[number];
    let price = 800_000;
    let content = Content {
        lot: LOT,
        files: vec![Box::new(MemoryFile {
            path: "drawing.bin".to_owned(),
            content: (0..size).map(|at| (at % 251) as u8).collect(),
        })],
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: Vec::new(),
            price: format!("{price}.00"),
            price_cn: mifeng::record::amount::format(price * 100),
        },
        declarations: Declarations {
            sme: false,
            domestic: true,
            brand: None,
        },
        detail: Vec::new(),
    };
    let encryption = person.enc.as_ref().expect("a bidder");
    let mut file = Vec::new();
    let sealed = bidder::seal(
        tender.host.replay(),
        content,
        &person.signer,
        mifeng::pki::Decrypter::certificate(encryption),
        secs(3),
        &mut tender.rng,
        &mut file,
        &mut |_| {},
    );
    let data = bidder::submission(&sealed.expect("sealed").record);
    Sealed {
        record: tender.signed(person, "bid.submit", &data, 3),
        id: tender.verified(&file).id(),
        file,
    }
}
