"""The days in a letter, their kinds, and the days that its periods end on: `dates.find_dates`.

| module | content |
| --- | --- |
| `written_days` | days as they are written; `days_in_words`, `lone_days` (no month), `day_evidence` (what is none) |
| `relative_days` | `demain`, `avant vendredi` |
| `letter_date` | the day of the letter itself |
| `nearest_days` | the year or month that a day leaves out |
| `undated` | the year in a letter without a date of its own |
| `periods`, `period_starts` | periods, and the days that they are counted from |
| `kind_classifier` | what a day or a period is: a deadline of the reader, an appointment, a decision… |
| `sentences` | the sentence around a day |
"""
