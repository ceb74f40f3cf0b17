//! Fixed binary layouts, declared once.
//!
//! `wire_struct!` takes the fields of a structure in the order in which they lie on the medium and derives from that one
//! list its size (asserted at compile time), its encoder and its decoder. All integers are little endian; `Pad` is
//! written as zeros and ignored on reading. Decoding cannot fail: what a field may hold is checked by its user.

use uuid::Uuid;

/// A value that takes a fixed number of bytes.
pub(crate) trait Wire: Sized {
    /// Bytes taken.
    const SIZE: usize;
    /// Writes the value to `out`, which has exactly [`Self::SIZE`] bytes.
    fn put(&self, out: &mut [u8]);
    /// Reads the value from `bytes`, which has exactly [`Self::SIZE`] bytes.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! wire_integer {
    ($($ty:ty),*) => {$(
        impl Wire for $ty {
            const SIZE: usize = size_of::<$ty>();
            #[inline]
            fn put(&self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_le_bytes());
            }
            #[inline]
            fn get(bytes: &[u8]) -> Self {
                Self::from_le_bytes(Wire::get(bytes))
            }
        }
    )*};
}
wire_integer!(u8, u16, u32, u64, i64);

impl<const N: usize> Wire for [u8; N] {
    const SIZE: usize = N;
    #[inline]
    fn put(&self, out: &mut [u8]) {
        out.copy_from_slice(self);
    }
    #[inline]
    fn get(bytes: &[u8]) -> Self {
        let mut value = [0; N];
        value.copy_from_slice(bytes);
        value
    }
}

impl Wire for Uuid {
    const SIZE: usize = 16;
    #[inline]
    fn put(&self, out: &mut [u8]) {
        out.copy_from_slice(self.as_bytes());
    }
    #[inline]
    fn get(bytes: &[u8]) -> Self {
        Self::from_bytes(Wire::get(bytes))
    }
}

/// 24 bits; the upper byte of the value is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct U24(pub u32);

impl Wire for U24 {
    const SIZE: usize = 3;
    #[inline]
    fn put(&self, out: &mut [u8]) {
        let [a, b, c, _] = self.0.to_le_bytes();
        out.copy_from_slice(&[a, b, c]);
    }
    #[inline]
    fn get(bytes: &[u8]) -> Self {
        let [a, b, c]: [u8; 3] = Wire::get(bytes);
        Self(u32::from_le_bytes([a, b, c, 0]))
    }
}

/// `N` bytes without meaning: zeros when written, anything when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pad<const N: usize>;

impl<const N: usize> Wire for Pad<N> {
    const SIZE: usize = N;
    #[inline]
    fn put(&self, out: &mut [u8]) {
        out.fill(0);
    }
    #[inline]
    fn get(_bytes: &[u8]) -> Self {
        Self
    }
}

/// Takes one value off the front of `rest`.
#[inline]
pub(crate) fn take<T: Wire>(rest: &mut &[u8]) -> T {
    let (head, tail) = rest.split_at(T::SIZE);
    *rest = tail;
    T::get(head)
}

/// Writes one value and returns the offset behind it.
#[inline]
pub(crate) fn put_at<T: Wire>(value: &T, out: &mut [u8], at: usize) -> usize {
    let end = at + T::SIZE;
    value.put(&mut out[at..end]);
    end
}

/// Declares a crate-private structure of exactly `$size` bytes with `SIZE`, `encode` and `decode`.
macro_rules! wire_struct {
    ($(#[$meta:meta])* struct $name:ident: $size:literal { $($field:ident: $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name { $(pub $field: $ty),* }

        const _: () = assert!(0 $(+ <$ty as $crate::layout::Wire>::SIZE)* == $size);

        #[allow(dead_code, reason = "some structures are only ever read, some only written")]
        impl $name {
            /// Bytes on the medium.
            pub const SIZE: usize = $size;

            #[inline]
            pub fn encode(&self) -> [u8; $size] {
                let mut out = [0; $size];
                let at = 0;
                $(let at = $crate::layout::put_at(&self.$field, &mut out, at);)*
                debug_assert_eq!(at, $size);
                out
            }

            #[inline]
            pub fn decode(bytes: &[u8; $size]) -> Self {
                let mut rest: &[u8] = bytes;
                $(let $field = $crate::layout::take(&mut rest);)*
                debug_assert!(rest.is_empty());
                Self { $($field),* }
            }
        }
    };
}
pub(crate) use wire_struct;

#[cfg(test)]
mod tests {
    use super::*;

    wire_struct! {
        struct Sample: 18 { a: u8, b: U24, c: u16, p: Pad<2>, d: i64, e: [u8; 2] }
    }

    #[test]
    fn fields_lie_in_declared_order_little_endian_with_zero_padding() {
        let sample = Sample {
            a: 1,
            b: U24(0xff03_0201),
            c: 0x0605,
            p: Pad,
            d: -2,
            e: [8, 9],
        };
        let bytes = sample.encode();
        assert_eq!(
            bytes,
            [
                1, 1, 2, 3, 5, 6, 0, 0, 0xfe, 255, 255, 255, 255, 255, 255, 255, 8, 9
            ]
        );
        let back = Sample::decode(&bytes);
        assert_eq!((back.b, back.c, back.d), (U24(0x0003_0201), 0x0605, -2));
    }
}
