/* SPDX-License-Identifier: MIT */
/* Expressions by recursive descent; depth is bounded. */
#include "monitor/expr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"

#define MAX_DEPTH 32

struct expr {
    const char *p;
    expr_register_fn *lookup;
    void *arg;
    GError **err;
    unsigned depth; /* of parentheses and unary operators */
    unsigned parens;
};

static bool binary(struct expr *e, int level, int64_t *value);

/* Blanks end an expression, except within parentheses. */
static void skip(struct expr *e)
{
    while (e->parens && *e->p == ' ')
        e->p++;
}

static bool reg(struct expr *e, int64_t *value)
{
    size_t n = 1;
    uint64_t v = 0;

    while (g_ascii_isalnum(e->p[n]) || e->p[n] == '_')
        n++;
    g_autofree char *name = g_strndup(e->p + 1, n - 1);
    if (!e->lookup || !e->lookup(e->arg, name, &v))
        return error_set(e->err, "there is no register '$%s'", name);
    e->p += n;
    *value = (int64_t)v;
    return true;
}

static bool number(struct expr *e, int64_t *value)
{
    bool hex = e->p[0] == '0' && (e->p[1] == 'x' || e->p[1] == 'X');
    char *end;

    if (hex ? !g_ascii_isxdigit(e->p[2]) : !g_ascii_isdigit(*e->p))
        return error_set(e->err, "a number is expected at '%s'", e->p);
    errno = 0;
    *value = (int64_t)strtoull(e->p, &end, hex ? 16 : 10);
    if (errno)
        return error_set(e->err, "the number at '%s' has more than 64 bits", e->p);
    e->p = end;
    return true;
}

static bool parenthesis(struct expr *e, int64_t *value)
{
    e->p++;
    e->parens++;
    if (!binary(e, 0, value))
        return false;
    skip(e);
    if (*e->p != ')')
        return error_set(e->err, "')' is expected at '%s'", e->p);
    e->p++;
    e->parens--;
    return true;
}

static bool unary(struct expr *e, int64_t *value)
{
    skip(e);
    char op = *e->p;

    if (op == '(' || op == '-' || op == '+' || op == '~') {
        if (++e->depth > MAX_DEPTH)
            return error_set(e->err, "the expression is too deep");
        bool ok;
        if (op == '(') {
            ok = parenthesis(e, value);
        } else {
            e->p++;
            ok = unary(e, value);
            if (ok && op != '+')
                *value = op == '-' ? (int64_t)(0 - (uint64_t)*value) : ~*value;
        }
        e->depth--;
        return ok;
    }
    if (op == '\'' && e->p[1] && e->p[2] == '\'') {
        *value = (uint8_t)e->p[1];
        e->p += 3;
        return true;
    }
    return op == '$' ? reg(e, value) : number(e, value);
}

/* Loosest first. */
static const char *const levels[][4] = {{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"},
                                        {"*", "/", "%"}};

static const char *operator_at(struct expr *e, int level)
{
    skip(e);
    for (int i = 0; i < 4 && levels[level][i]; i++)
        if (strncmp(e->p, levels[level][i], strlen(levels[level][i])) == 0)
            return levels[level][i];
    return NULL;
}

static bool apply(struct expr *e, const char *op, int64_t *a, int64_t b)
{
    uint64_t ua = (uint64_t)*a, ub = (uint64_t)b;

    switch (*op) {
    case '|': ua |= ub; break;
    case '^': ua ^= ub; break;
    case '&': ua &= ub; break;
    case '<': ua = ub < 64 ? ua << ub : 0; break;
    case '>': ua = ub < 64 ? ua >> ub : 0; break;
    case '+': ua += ub; break;
    case '-': ua -= ub; break;
    case '*': ua *= ub; break;
    default:
        if (b == 0)
            return error_set(e->err, "division by zero");
        if (b == -1) /* the one quotient that does not fit wraps */
            ua = *op == '/' ? 0 - ua : 0;
        else
            ua = (uint64_t)(*op == '/' ? *a / b : *a % b);
    }
    *a = (int64_t)ua;
    return true;
}

static bool binary(struct expr *e, int level, int64_t *value)
{
    const char *op;
    int64_t right;

    if (level == G_N_ELEMENTS(levels))
        return unary(e, value);
    if (!binary(e, level + 1, value))
        return false;
    while ((op = operator_at(e, level))) {
        e->p += strlen(op);
        if (!binary(e, level + 1, &right) || !apply(e, op, value, right))
            return false;
    }
    return true;
}

bool expr_parse(const char **text, expr_register_fn *lookup, void *arg, int64_t *value,
                GError **err)
{
    struct expr e = {.p = *text, .lookup = lookup, .arg = arg, .err = err};

    while (*e.p == ' ')
        e.p++;
    if (!binary(&e, 0, value))
        return false;
    if (*e.p && *e.p != ' ' && *e.p != ',')
        return error_set(err, "an operator is expected at '%s'", e.p);
    *text = e.p;
    return true;
}
