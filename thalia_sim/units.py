"""Units as plain floats: a number times its unit is that quantity in the house units ms, mV, pA, nS, pF, um, GOhm and Hz.

The house units fit together without factors: pF / nS = ms, pA / nS = mV, pF mV / ms = pA, mV / pA = GOhm. The one exception is a rate, which
stays in Hz: the expected number of events in a step is rate * dt / 1000.
"""

us, ms, s, minute, hour = 1e-3, 1.0, 1000.0, 60_000.0, 3_600_000.0
Hz, kHz = 1.0, 1000.0
uV, mV, V = 1e-3, 1.0, 1000.0
pA, nA, uA = 1.0, 1000.0, 1e6
pS, nS, uS, mS = 1e-3, 1.0, 1000.0, 1e6
pF, nF, uF = 1.0, 1000.0, 1e6
um, mm, cm = 1.0, 1000.0, 10_000.0
kOhm, MOhm, GOhm = 1e-6, 1e-3, 1.0
