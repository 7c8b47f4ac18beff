//! Return values of a module, as what its owner can do about them.

use crate::Error;
use cryptoki::error::{Error as Failure, RvError};

/// What a code of the module means to a person.
pub(super) fn told(error: Failure) -> Error {
    let Failure::Pkcs11(value, function) = error else {
        return Error::Unsupported {
            what: "a call of PKCS#11 that this program needs",
        };
    };
    match value {
        RvError::PinIncorrect => Error::PinWrong { left: None },
        RvError::PinLocked => Error::PinLocked,
        RvError::PinLenRange | RvError::PinInvalid | RvError::UserPinNotInitialized => {
            Error::PinForm
        }
        RvError::DeviceRemoved
        | RvError::DeviceError
        | RvError::TokenNotPresent
        | RvError::TokenNotRecognized
        | RvError::SessionHandleInvalid
        | RvError::SessionClosed
        | RvError::ObjectHandleInvalid
        | RvError::KeyHandleInvalid
        | RvError::UserNotLoggedIn => Error::Removed,
        RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::ArgumentsBad
        | RvError::FunctionNotSupported
        | RvError::KeyFunctionNotPermitted => Error::Unsupported {
            what: "this operation with this key",
        },
        RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange => {
            Error::Crypto(mifeng_crypto::Error::Unverified)
        }
        other => Error::Device {
            call: call_name(function),
            code: code_of(&other),
        },
    }
}

fn call_name(function: cryptoki::context::Function) -> &'static str {
    use cryptoki::context::Function as F;
    match function {
        F::OpenSession => "C_OpenSession",
        F::Login => "C_Login",
        F::FindObjectsInit | F::FindObjects => "C_FindObjects",
        F::GetAttributeValue => "C_GetAttributeValue",
        F::SignInit | F::Sign => "C_Sign",
        F::DecryptInit | F::Decrypt => "C_Decrypt",
        F::DeriveKey => "C_DeriveKey",
        F::GenerateKeyPair => "C_GenerateKeyPair",
        F::CreateObject => "C_CreateObject",
        _ => "a PKCS#11 call",
    }
}

/// The number of a return value (PKCS#11 2.40, `pkcs11t.h`); the binding keeps those of vendors
/// only. What a driver has no other word for comes first: its maker asks for the number.
#[allow(
    clippy::useless_conversion,
    reason = "a value has 32 bits on Windows, 64 elsewhere"
)]
fn code_of(value: &RvError) -> u64 {
    match value {
        RvError::Cancel => 0x1,
        RvError::HostMemory => 0x2,
        RvError::SlotIdInvalid => 0x3,
        RvError::GeneralError => 0x5,
        RvError::FunctionFailed => 0x6,
        RvError::CantLock => 0xa,
        RvError::AttributeReadOnly => 0x10,
        RvError::AttributeSensitive => 0x11,
        RvError::AttributeTypeInvalid => 0x12,
        RvError::AttributeValueInvalid => 0x13,
        RvError::DataInvalid => 0x20,
        RvError::DataLenRange => 0x21,
        RvError::DeviceMemory => 0x31,
        RvError::FunctionCanceled => 0x50,
        RvError::KeySizeRange => 0x62,
        RvError::KeyTypeInconsistent => 0x63,
        RvError::OperationActive => 0x90,
        RvError::OperationNotInitialized => 0x91,
        RvError::PinExpired => 0xa3,
        RvError::SessionCount => 0xb1,
        RvError::SessionReadOnly => 0xb5,
        RvError::TemplateIncomplete => 0xd0,
        RvError::TemplateInconsistent => 0xd1,
        RvError::TokenWriteProtected => 0xe2,
        RvError::UserTypeInvalid => 0x103,
        RvError::DomainParamsInvalid => 0x130,
        RvError::BufferTooSmall => 0x150,
        RvError::CryptokiNotInitialized => 0x190,
        RvError::FunctionRejected => 0x200,
        RvError::VendorDefined(code) => (*code).into(),
        _ => u64::MAX >> 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    fn said(value: RvError) -> Error {
        told(Failure::Pkcs11(value, Function::Sign))
    }

    #[test]
    fn a_general_error_is_the_devices_with_its_number() {
        let error = said(RvError::GeneralError);
        let expected = Error::Device {
            call: "C_Sign",
            code: 5,
        };
        assert_eq!(error, expected);
        assert_eq!(error.code(), "token.device");
        assert_eq!(error.kind(), mifeng_crypto::Kind::Unavailable);
        let outside = mifeng_pki::Error::from(error);
        assert_eq!(outside.code(), "token.device");
        assert!(outside.to_string().contains("0x00000005"), "{outside}");
    }

    #[test]
    fn numbers_are_those_of_the_standard() {
        let numbers = [
            (RvError::FunctionFailed, 0x6),
            (RvError::DataLenRange, 0x21),
            (RvError::PinExpired, 0xa3),
            (RvError::SessionReadOnly, 0xb5),
            (RvError::TokenWriteProtected, 0xe2),
            (RvError::VendorDefined(0x8000_0001), 0x8000_0001),
        ];
        for (value, number) in numbers {
            let found = said(value);
            let fits = matches!(found, Error::Device { code, .. } if code == number);
            assert!(fits, "{found:?}, expected {number:#x}");
        }
    }

    #[test]
    fn what_its_owner_can_mend_is_no_device_error() {
        let codes = [
            (RvError::PinIncorrect, "token.pin-wrong"),
            (RvError::PinLocked, "token.pin-locked"),
            (RvError::PinLenRange, "token.pin-form"),
            (RvError::DeviceRemoved, "token.removed"),
            (RvError::DeviceError, "token.removed"),
            (RvError::MechanismInvalid, "token.unsupported"),
            (RvError::EncryptedDataInvalid, "crypto.unverified"),
        ];
        for (value, code) in codes {
            assert_eq!(said(value).code(), code);
        }
    }
}
