const format = (options: Intl.DateTimeFormatOptions) => {
  const formatter = new Intl.DateTimeFormat('en-GB', options)
  return (time: number) => formatter.format(time)
}
const clock = format({ hour: '2-digit', minute: '2-digit' })
const weekday = format({ weekday: 'short' })
const date = format({ day: 'numeric', month: 'short' })
const dateOfYear = format({ day: 'numeric', month: 'short', year: 'numeric' })
const month = format({ month: 'long' })
const monthOfYear = format({ month: 'long', year: 'numeric' })

/** The first moment of the day that is `back` days before the day of `now`, in this place's time. */
function dayStart(now: number, back: number): number {
  const day = new Date(now)
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - back).getTime()
}

const sameYear = (a: number, b: number) => new Date(a).getFullYear() === new Date(b).getFullYear()

/** 14:32 today, Thu within the week, 28 Mar this year, 28 Mar 2024 before it. Times are milliseconds. */
export function when(time: number, now: number): string {
  if (time >= dayStart(now, 0)) return clock(time)
  if (time >= dayStart(now, 6)) return weekday(time)
  return sameYear(time, now) ? date(time) : dateOfYear(time)
}

/** The heading under which `time` stands: Today, This week, March, or March 2024. */
export function period(time: number, now: number): string {
  if (time >= dayStart(now, 0)) return 'Today'
  if (time >= dayStart(now, 6)) return 'This week'
  return sameYear(time, now) ? month(time) : monthOfYear(time)
}

export interface Group<T> { name: string; items: T[] }

/** `items`, newest first, under their headings. */
export function grouped<T extends { updated: number }>(items: readonly T[], now: number): Group<T>[] {
  const groups: Group<T>[] = []
  for (const item of [...items].sort((a, b) => b.updated - a.updated)) {
    const name = period(item.updated, now)
    const last = groups.at(-1)
    if (last?.name === name) last.items.push(item)
    else groups.push({ name, items: [item] })
  }
  return groups
}
