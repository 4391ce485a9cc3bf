/** Moments in words. Times are milliseconds. */
const format = (options: Intl.DateTimeFormatOptions) => {
  const formatter = new Intl.DateTimeFormat('en-GB', options)
  return (time: number) => formatter.format(time)
}
const twoDigits = format({ hour: '2-digit', minute: '2-digit' })
const seconds = format({ second: '2-digit' })
const weekday = format({ weekday: 'long' })
const weekdayShort = format({ weekday: 'short' })
const date = format({ weekday: 'long', day: 'numeric', month: 'long' })
const dateOfYear = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
const fullDate = format({ day: 'numeric', month: 'long', year: 'numeric' })
const dateShort = format({ day: 'numeric', month: 'short' })
const dateShortOfYear = format({ day: 'numeric', month: 'short', year: 'numeric' })

/** 9:41 */
export const clock = (time: number) => twoDigits(time).replace(/^0/, '')

const midnight = (now: number, back: number) => {
  const day = new Date(now)
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - back).getTime()
}
const sameYear = (a: number, b: number) => new Date(a).getFullYear() === new Date(b).getFullYear()

/** Today, Friday within the week, Thursday 2 April within the year, Thursday 2 April 2024 before it. */
export function day(time: number, now: number): string {
  if (time >= midnight(now, 0)) return 'Today'
  if (time >= midnight(now, 6)) return weekday(time)
  return sameYear(time, now) ? date(time) : dateOfYear(time).replace(',', '')
}

/** Today 14:32, Friday 16:10, Thursday 2 April, 18:20. */
export function moment(time: number, now: number): string {
  return `${day(time, now)}${time >= midnight(now, 6) ? '' : ','} ${clock(time)}`
}

/** Before anything was written there is no time: it is 0. */
const BEGINNING = 'the beginning'

/** The same within a sentence: today 14:32. */
export const within = (time: number, now: number) => (time ? moment(time, now).replace(/^Today/, 'today') : BEGINNING)

/** 2 April 2026, 18:20: for what is read on other days, too. */
export const dated = (time: number) => (time ? `${fullDate(time)}, ${clock(time)}` : BEGINNING)

/** Today 14:32, Thu 18:20, 28 Mar 9:41: where there is little room. */
export function brief(time: number, now: number): string {
  const when = time >= midnight(now, 0) ? 'Today' : time >= midnight(now, 6) ? weekdayShort(time) : sameYear(time, now) ? dateShort(time) : dateShortOfYear(time)
  return `${when} ${clock(time)}`
}

/** The same to the second: Today 14:32:07. */
export const exactly = (time: number, now: number) => `${brief(time, now)}:${seconds(time).padStart(2, '0')}`

/** 14:05–14:32; 23:50–Fri 0:10 over midnight; one time when it was over within the minute. */
export function span(began: number, ended: number): string {
  const [from, to] = [clock(began), clock(ended)]
  if (midnight(began, 0) !== midnight(ended, 0)) return `${from}–${weekdayShort(ended)} ${to}`
  return from === to ? from : `${from}–${to}`
}

const relative = new Intl.RelativeTimeFormat('en-GB')
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365.25 * 86_400_000], ['month', 30.44 * 86_400_000], ['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000],
]

/** just now, 2 minutes ago, 4 days ago. */
export function ago(time: number, now: number): string {
  for (const [unit, length] of UNITS) if (now - time >= length) return relative.format(-Math.floor((now - time) / length), unit)
  return 'just now'
}

export const startOfDay = (now: number) => midnight(now, 0)
