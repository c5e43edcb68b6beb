//! Feature maps in memory: channels of a pixel side by side, and around each map a border of zeros, which are the padding of the
//! convolutions.

/// Channels come in multiples of this; those that a network lacks are zero.
pub const CHANNELS: usize = 16;

/// Where the numbers of a feature map lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Channels, with those that fill up.
    pub channels: usize,
    /// Pixels along a side.
    pub side: usize,
    /// Pixels of the border before the map, above and to the left; there are as many after it, or more.
    pub border: usize,
    /// Pixels along a side with the border.
    pub padded: usize,
    /// Numbers from one pixel to the next.
    pub pixel: usize,
}

impl Layout {
    /// That of `channels` channels of `side` x `side` pixels, which are read in tiles of `tile` x `tile` with `border` pixels around.
    pub fn new(channels: usize, side: usize, tile: usize, border: usize) -> Self {
        let channels = channels.next_multiple_of(CHANNELS);
        // Strides that are powers of two would put all pixels into the same few places of a cache.
        let pixel = channels + CHANNELS;
        Self { channels, side, border, padded: side.next_multiple_of(tile) + 2 * border, pixel }
    }

    /// Numbers from one row to the next.
    pub fn row(&self) -> usize {
        self.padded * self.pixel
    }

    /// Numbers of a map.
    pub fn map(&self) -> usize {
        self.padded * self.row()
    }

    /// Place of the first channel of a pixel, counted without the border.
    pub fn place(&self, row: usize, column: usize) -> usize {
        (row + self.border) * self.row() + (column + self.border) * self.pixel
    }

    /// The map as `[channels, side, side]`, of the first `channels`.
    pub fn planes(&self, map: &[f32], channels: usize) -> Vec<f32> {
        let side = self.side;
        let mut planes = vec![0.0; channels * side * side];
        for row in 0..side {
            for column in 0..side {
                let place = self.place(row, column);
                for (channel, value) in map[place..place + channels].iter().enumerate() {
                    planes[(channel * side + row) * side + column] = *value;
                }
            }
        }
        planes
    }
}

/// Numbers that begin where a cache line does.
#[derive(Debug, Clone, Default)]
pub struct Aligned {
    values: Vec<f32>,
    start: usize,
}

/// Numbers of a cache line.
const LINE: usize = 16;

impl Aligned {
    /// As many zeros.
    pub fn zeros(count: usize) -> Self {
        let values = vec![0.0; count + LINE];
        let start = values.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        Self { values, start }
    }

    /// The numbers.
    pub fn get(&self) -> &[f32] {
        &self.values[self.start..]
    }

    /// The numbers.
    pub fn get_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..]
    }
}
