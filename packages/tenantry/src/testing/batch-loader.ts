// A loader that gathers the keys of one tick and asks for them together, as the package dataloader does: the batch runs
// in the asynchronous context of whoever asked first.

interface Waiting<K, V> {
  readonly key: K
  readonly resolve: (value: V) => void
  readonly reject: (error: unknown) => void
}

/** Makes a loader; `loadAll` gets the gathered keys and answers in their order. */
export function batchLoader<K, V>(loadAll: (keys: readonly K[]) => Promise<readonly V[]>): (key: K) => Promise<V> {
  let gathered: Waiting<K, V>[] = []
  const dispatch = async () => {
    const batch = gathered
    gathered = []
    try {
      const values = await loadAll(batch.map(({ key }) => key))
      // One value a key, in the keys' order.
      batch.forEach(({ resolve }, at) => resolve(values[at] as V))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  return (key) =>
    new Promise<V>((resolve, reject) => {
      if (gathered.length === 0) void Promise.resolve().then(() => process.nextTick(() => void dispatch()))
      gathered.push({ key, resolve, reject })
    })
}
