"""The days in a letter, their kinds, and the days that its periods end on: `dates.find_dates`.

| module | content |
| --- | --- |
| `written_days` | days as they are written; `days_in_words`, `lone_days` (no month), `day_evidence` (what is none) |
| `relative_days` | `demain`, `avant vendredi` |
| `letter_date` | the day of the letter itself |
| `nearest_days` | the year or month that a day leaves out |
| `undated` | the year in a letter without a date of its own |
| `periods`, `period_starts` | periods, and the days that they are counted from |
| `date_kinds`, `duties`, `actors` | whether a day is a deadline, and whose |
| `verbless_requests` | requests without a verb, and facts like them |
| `sentences` | the sentence around a day |
"""
