// Interleaved rounds: each mode gets one slice a round, the order rotates, and a ratio is the median over rounds of
// the mode against its baseline in the same round. So load beside the bench hits all modes alike.
import { median, round } from './report.mjs'

const SLICE_MS = 250

/** One slice of a mode; returns operations per second. */
const sliceOf = (mode) => (mode.slice ? mode.slice() : slice(mode.operation, mode.inFlight))

/** Keeps `inFlight` operations going for one slice; returns operations per second. */
async function slice(operation, inFlight) {
  const end = performance.now() + SLICE_MS
  let done = 0
  const lane = async () => {
    while (performance.now() < end) {
      await operation(done)
      done++
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: inFlight }, lane))
  return (done * 1000) / (performance.now() - startedAt)
}

/**
 * @param modes [{ key, baseline?: key, inFlight, operation }] — a mode without a baseline is one; with `slice` it measures
 *   a slice itself and returns operations per second
 * @param only measures only the modes whose key holds this text, and their baselines
 * @returns per key: median operations per second and, where it has a baseline, the median ratio
 */
export async function measureRounds(all, { rounds, progress, only = '' }) {
  const wanted = all.filter(({ key }) => key.includes(only))
  const modes = all.filter((mode) => wanted.includes(mode) || wanted.some(({ baseline }) => baseline === mode.key))
  const rates = new Map(modes.map(({ key }) => [key, []]))
  for (const mode of modes) await sliceOf(mode)
  for (let at = 0; at < rounds; at++) {
    const order = modes.map((_, index) => modes[(index + at) % modes.length])
    for (const mode of order) rates.get(mode.key).push(await sliceOf(mode))
    progress(`round ${at + 1} of ${rounds}`)
  }
  return modes.map(({ key, baseline }) => {
    const own = rates.get(key)
    const ratio = baseline && median(own.map((rate, at) => rate / rates.get(baseline)[at]))
    return { key, perSecond: Math.round(median(own)), ratio: ratio && round(ratio, 3) }
  })
}
