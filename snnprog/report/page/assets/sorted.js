// Search in ascending numbers.

/**
 * Return the first index whose value is not below the one given.
 * @param {ArrayLike<number>} sorted
 * @param {number} value
 */
export function firstAtLeast(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {ArrayLike<number>} sorted
 * @param {number} value
 */
export function includes(sorted, value) {
  return sorted[firstAtLeast(sorted, value)] === value;
}
