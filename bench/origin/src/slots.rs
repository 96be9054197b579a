//! Values by small dense numbers, here connections by their descriptor.
//!
//! The kernel hands out the lowest free descriptor, so a vector stays as short as the most
//! connections ever open at once, and finding one costs no hashing: the relay is to be a floor, not
//! a program.

/// A vector of places, each holding a value or nothing.
#[derive(Debug)]
pub struct Slots<T> {
    places: Vec<Option<T>>,
}

impl<T> Slots<T> {
    /// No places.
    #[must_use]
    pub fn new() -> Self {
        Self { places: Vec::new() }
    }

    /// Puts `value` at `index`, in place of what was there.
    pub fn insert(&mut self, index: usize, value: T) {
        if index >= self.places.len() {
            self.places.resize_with(index + 1, || None);
        }
        self.places[index] = Some(value);
    }

    /// Takes the value at `index` away.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        self.places.get_mut(index)?.take()
    }

    /// The value at `index`.
    pub fn one_mut(&mut self, index: usize) -> Option<&mut T> {
        self.places.get_mut(index)?.as_mut()
    }

    /// The values at two different places, if both hold one.
    pub fn two_mut(&mut self, first: usize, second: usize) -> Option<(&mut T, &mut T)> {
        let [first, second] = self.places.get_disjoint_mut([first, second]).ok()?;
        first.as_mut().zip(second.as_mut())
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_where_it_was_put_until_it_is_taken() {
        let mut slots = Slots::new();
        slots.insert(5, 'a');
        assert_eq!(slots.one_mut(5), Some(&mut 'a'));
        assert_eq!(slots.one_mut(4), None);
        assert_eq!(slots.one_mut(6), None);
        assert_eq!((slots.remove(5), slots.remove(5)), (Some('a'), None));
    }

    #[test]
    fn two_values_are_had_only_when_both_are_there_and_differ() {
        let mut slots = Slots::new();
        slots.insert(1, 'a');
        slots.insert(3, 'b');
        assert_eq!(slots.two_mut(3, 1), Some((&mut 'b', &mut 'a')));
        for (first, second) in [(1, 1), (1, 2), (1, 9)] {
            assert_eq!(slots.two_mut(first, second), None);
        }
    }
}
