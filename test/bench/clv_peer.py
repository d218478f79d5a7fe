"""clv_peer.py: the models of the job clv as people fit them in Python.

    clv_peer.py FOLDER which
    clv_peer.py FOLDER simulate CUSTOMERS
    clv_peer.py FOLDER fit mbgnbd|bgnbd|pareto_nbd|gamma_gamma CUSTOMERS
    clv_peer.py FOLDER p_alive|expected_purchases|clv CUSTOMERS PARAMETERS SPEND

Fits are done by the package lifetimes where it is installed. Otherwise they are
those of a NumPy/SciPy program with the same likelihood over all rows, of time
divided by its maximum, the same start and the same tolerance. It is given what
costs less: a gradient that is written down where lifetimes differentiates
automatically, L-BFGS-B, which asks for a third less evaluations than the BFGS of
lifetimes, no standard errors, and half the evaluations of a value by months.

Prints one line of JSON: the CPU time of this process in ms, from arrays in
memory on and after a run on a few rows, and results in the original unit of
time. PARAMETERS and SPEND are lists with commas; months have 30 days, and what
is bought in one is discounted from its end.
"""
import json
import sys
import time

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, hyp2f1, logsumexp, psi

COLUMNS = ("frequency", "recency", "age", "monetary")
ANNUAL_DISCOUNT = 0.12
DAYS_PER_MONTH = 30.0


def simulate(folder, customers):
    """Customers who buy as in a BG/NBD model, whole days, and spend as in a Gamma-Gamma model."""
    random = np.random.default_rng(42)
    age = random.integers(90, 1096, customers).astype(float)
    rate = random.gamma(0.2425, 1.0 / 30.9, customers)
    chance = random.beta(0.793, 2.426, customers)
    frequency = np.zeros(customers)
    recency = np.zeros(customers)
    there = np.arange(customers)
    now = np.zeros(customers)
    while there.size > 0:
        now = now + random.exponential(size=there.size) / rate[there]
        inside = now < age[there]
        there, now = there[inside], now[inside]
        day = np.floor(now)
        frequency[there] += day > recency[there]  # one purchase a day counts
        recency[there] = day
        stays = random.random(there.size) >= chance[there]
        there, now = there[stays], now[stays]
    spend_rate = random.gamma(3.74, 1.0 / 15.44, customers)
    total = np.round(random.gamma(6.25 * np.maximum(frequency, 1)) / spend_rate, 2)
    monetary = np.where(frequency > 0, np.maximum(total, 0.01) / np.maximum(frequency, 1), 0.0)
    figures = {"frequency": frequency, "recency": recency, "age": age, "monetary": monetary}
    for name in COLUMNS:
        np.save(f"{folder}/{name}.npy", figures[name])

    # COPY's binary format: all values of a row have a fixed length
    row = np.zeros(customers, dtype=[("fields", ">i2"), ("id_size", ">i4"), ("id", ">i4")] + [
        field for name in COLUMNS for field in ((name + "_size", ">i4"), (name, ">f8"))])
    row["fields"] = 1 + len(COLUMNS)
    row["id_size"] = 4
    row["id"] = np.arange(1, customers + 1)
    for name in COLUMNS:
        row[name + "_size"] = 8
        row[name] = figures[name]
    with open(f"{folder}/customers.copy", "wb") as file:
        file.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        file.write(row.tobytes())
        file.write(b"\xff\xff")
    return {"customers": customers}


def load(folder, customers):
    return {name: np.ascontiguousarray(np.load(f"{folder}/{name}.npy", mmap_mode="r")[:customers]) for name in COLUMNS}


def geometric(logs, modified, x, t_x, T):
    """Minus the mean log-likelihood of MBG/NBD or BG/NBD, and its gradient by logarithms."""
    r, alpha, a, b = np.exp(logs)
    n = r + x
    log_T = np.log(alpha + T)
    since = log_T - np.log(alpha + t_x)
    factors = x + 1 if modified else x
    c = b + x if modified else b + np.maximum(x, 1) - 1
    odds = np.log(a) - np.log(c) + n * since
    dropped = expit(odds)
    either = np.logaddexp(odds, 0)
    if not modified:
        dropped = dropped * (x > 0)
        either = either * (x > 0)
    value = (gammaln(n) - gammaln(r) + r * np.log(alpha) - n * log_T +
             gammaln(a + b) + gammaln(b + factors) - gammaln(b) - gammaln(a + b + factors) + either)
    both = psi(a + b) - psi(a + b + factors)
    at_T = n / (alpha + T)
    gradient = np.array([
        r * np.mean(psi(n) - psi(r) + np.log(alpha) - log_T + dropped * since),
        r - alpha * np.mean(at_T + dropped * (n / (alpha + t_x) - at_T)),
        np.mean(a * both + dropped),
        b * np.mean(both + psi(b + factors) - psi(b) - dropped / c)])
    return -np.mean(value), -gradient


def gamma_gamma(logs, x, m, log_m, log_xm):
    """Minus the mean log-likelihood of Gamma-Gamma, and its gradient by logarithms."""
    p, q, v = np.exp(logs)
    px = p * x
    both = px + q
    log_all = np.log(x * m + v)
    value = gammaln(both) - gammaln(px) - gammaln(q) + q * np.log(v) + px * log_xm - log_m - both * log_all
    psi_both = psi(both)
    gradient = np.array([
        np.mean(px * (psi_both - psi(px) + log_xm - log_all)),
        q * np.mean(psi_both - psi(q) + np.log(v) - log_all),
        q - v * np.mean(both / (x * m + v))])
    return -np.mean(value), -gradient


def pareto(logs, x, t_x, T):
    """Minus the log-likelihood of Pareto/NBD, by two hypergeometric functions."""
    with np.errstate(all="ignore"):
        r, alpha, s, beta = np.exp(logs)
        larger = max(alpha, beta)
        second = r + x if alpha < beta else s + 1
        rsx = r + s + x
        early = np.log(hyp2f1(rsx, second, rsx + 1, abs(alpha - beta) / (larger + t_x))) - rsx * np.log(larger + t_x)
        late = np.log(hyp2f1(rsx, second, rsx + 1, abs(alpha - beta) / (larger + T))) - rsx * np.log(larger + T)
        between = logsumexp([early, late], axis=0, b=[np.ones_like(x), -np.ones_like(x)])
        value = (gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) +
                 np.logaddexp(-(r + x) * np.log(alpha + T) - s * np.log(beta + T), np.log(s) - np.log(rsx) + between))
        total = -np.sum(value)
    return total if np.isfinite(total) else np.inf


def numpy_fit(kind, x, t_x, T, m):
    """Parameters of a model."""
    by_gradient = {"jac": True, "method": "L-BFGS-B", "tol": 1e-7}
    if kind == "gamma_gamma":
        found = minimize(gamma_gamma, 0.1 * np.ones(3), args=(x, m, np.log(m), np.log(x * m)), **by_gradient)
        return np.exp(found.x)
    scale = 1.0 / T.max()
    if kind == "pareto_nbd":
        found = minimize(pareto, np.zeros(4), args=(x, t_x * scale, T * scale), method="Nelder-Mead", tol=1e-4,
                         options={"maxiter": 2000})
    else:
        found = minimize(geometric, 0.1 * np.ones(4), args=(kind == "mbgnbd", x, t_x * scale, T * scale),
                         **by_gradient)
    parameters = np.exp(found.x)
    parameters[1] /= scale
    if kind == "pareto_nbd":
        parameters[3] /= scale
    return parameters


def lifetimes_fit(kind, x, t_x, T, m):
    import lifetimes
    if kind == "gamma_gamma":
        return np.array(lifetimes.GammaGammaFitter().fit(x, m).params_)
    fitter = {"mbgnbd": lifetimes.ModifiedBetaGeoFitter, "bgnbd": lifetimes.BetaGeoFitter,
              "pareto_nbd": lifetimes.ParetoNBDFitter}[kind]
    return np.array(fitter().fit(x, t_x, T).params_)


def log_likelihood(kind, parameters, x, t_x, T, m):
    logs = np.log(parameters)
    if kind == "gamma_gamma":
        return -x.size * gamma_gamma(logs, x, m, np.log(m), np.log(x * m))[0]
    if kind == "pareto_nbd":
        return -pareto(logs, x, t_x, T)
    return -x.size * geometric(logs, kind == "mbgnbd", x, t_x, T)[0]


def has_lifetimes():
    try:
        import lifetimes  # noqa: F401
        return True
    except ImportError:
        return False


def p_alive(parameters, x, t_x, T):
    r, alpha, a, b = parameters
    return 1.0 / (1.0 + a / (b + x) * ((alpha + T) / (alpha + t_x)) ** (r + x))


def expected_alive(parameters, x, T, t):
    """Purchases until t of who is alive under MBG/NBD; where the series overflows, by its transform."""
    r, alpha, a, b = parameters
    z = t / (alpha + T + t)
    with np.errstate(all="ignore"):
        series = hyp2f1(r + x, b + x + 1, a + b + x, z) * ((alpha + T) / (alpha + T + t)) ** (r + x)
    wrong = ~np.isfinite(series)
    if wrong.any():
        series[wrong] = (hyp2f1(a + b - r, a - 1, a + b + x[wrong], z[wrong]) * (1 - z[wrong]) ** (a - 1))
    return (a + b + x) / (a - 1) * (1 - series)


def predict(what, parameters, spend, x, t_x, T, m):
    alive = p_alive(parameters, x, t_x, T)
    if what == "p_alive":
        return alive
    if what == "expected_purchases":
        return alive * expected_alive(parameters, x, T, 365.0)
    p, q, v = spend
    weight = p * x / (p * x + q - 1)
    worth = (1 - weight) * (p * v / (q - 1)) + weight * m
    monthly = (1 + ANNUAL_DISCOUNT) ** (DAYS_PER_MONTH / 365.25)
    value = 0.0
    before = 0.0
    for month in range(1, 13):
        until = expected_alive(parameters, x, T, month * DAYS_PER_MONTH)
        value = value + (until - before) / monthly ** month
        before = until
    return worth * alive * value


def timed(function, *arrays):
    function(*(array[:1000] for array in arrays))
    began = time.process_time()
    result = function(*arrays)
    return result, 1000 * (time.process_time() - began)


def main():
    folder, task = sys.argv[1:3]
    if task == "which":
        return {"which": "lifetimes" if has_lifetimes() else "NumPy/SciPy"}
    if task == "simulate":
        return simulate(folder, int(sys.argv[3]))
    if task == "fit":
        kind = sys.argv[3]
        figures = load(folder, int(sys.argv[4]))
        if kind == "gamma_gamma":
            bought = (figures["frequency"] > 0) & (figures["monetary"] > 0)
            figures = {name: column[bought] for name, column in figures.items()}
        columns = [figures[name] for name in COLUMNS]
        fit = lifetimes_fit if has_lifetimes() else numpy_fit
        parameters, ms = timed(lambda *rows: fit(kind, *rows), *columns)
        return {"ms": ms, "parameters": [float(p) for p in parameters],
                "log_likelihood": float(log_likelihood(kind, parameters, *columns))}
    figures = load(folder, int(sys.argv[3]))
    parameters, spend = ([float(p) for p in text.split(",")] for text in sys.argv[4:6])
    result, ms = timed(lambda *rows: predict(task, parameters, spend, *rows), *(figures[name] for name in COLUMNS))
    return {"ms": ms, "sum": float(np.sum(result))}


print(json.dumps(main()))
