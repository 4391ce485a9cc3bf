/** The user of entries that are damaged: what they did is known from what was there later, and nobody knows who did it. */
export const LOST = -1
