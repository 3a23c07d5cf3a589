/** Thrown inside of a transaction to have it rolled back and tried again. */

/** An assumption of the transaction did not hold; the next try will see why. */
export class LostRaceError extends Error {}
