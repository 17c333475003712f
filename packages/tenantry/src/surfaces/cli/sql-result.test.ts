import { describe, expect, it } from 'vitest'
import { resultLines, valueText } from './sql-result.ts'

describe('the answer to a statement', () => {
  it('is a table with the row count below it, numbers to the right', () => {
    const fields = [
      { name: 'name', dataTypeID: 25 },
      { name: 'n', dataTypeID: 23 },
    ]
    const rows = [
      { name: 'a', n: 5 },
      { name: null, n: 10 },
    ]
    expect(resultLines({ rows, fields, rowCount: 2, command: 'SELECT' })).toEqual([
      'name  n',
      '───────',
      'a     5',
      'NULL 10',
      '(2 rows)',
    ])
  })

  it('is the command and its count where there are no columns', () => {
    expect(resultLines({ rows: [], fields: [], rowCount: 3, command: 'INSERT' })).toEqual(['INSERT 3'])
    expect(resultLines({ rows: [], fields: [], rowCount: null, command: 'CREATE' })).toEqual(['CREATE'])
  })

  it('shows values in the words of SQL', () => {
    expect(valueText(null, 25)).toBe('NULL')
    expect(valueText(true, 16)).toBe('true')
    expect(valueText(12n, 20)).toBe('12')
    expect(valueText({ a: [1] }, 3802)).toBe('{"a":[1]}')
    expect(valueText(Buffer.from([1, 255]), 17)).toBe('\\x01ff')
    expect(valueText(new Date(2025, 0, 5), 1082)).toBe('2025-01-05')
    expect(valueText(new Date(Date.UTC(2025, 0, 5)), 1184)).toBe('2025-01-05T00:00:00.000Z')
  })
})
