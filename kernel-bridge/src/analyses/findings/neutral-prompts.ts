/**
 * Default prompts of a diagnosis: a short mix of many kinds of text, written for this purpose, so that an expert that
 * none of them selects deserves attention. Findings hold only for text like this.
 */
import type { PromptObject } from '../../run/model/prompt';

const TEXTS: Record<string, readonly string[]> = {
  english: [
    'The harbour was quiet that morning. Two fishing boats had already left, and the third was waiting for a part that should have come by train on Monday. The owner, a patient woman called Ruth, sat on a crate and mended nets while she counted the gulls on the roof of the customs house.',
    'Most plants close their pores at night to save water. A few families, among them many that live in deserts, do the opposite: they open them in the dark, store what they take in as an acid, and use it up during the day behind closed doors.',
    '"Did you lock the door?" she asked. "I thought you did," he said, and they looked at each other for a moment before both began to laugh and turned the car around at the next junction.',
    'The committee met on 14 March 2019 to discuss the budget. It was agreed that 3 of the 12 proposals would be funded in full, 5 in part, and that the remaining 4 should be sent back to their authors with comments before the end of May.'
  ],
  python: [
    'import json\n\n\ndef read_rows(path, limit=100):\n    """Return the first rows of a file as dictionaries."""\n    rows = []\n    with open(path) as file:\n        for number, line in enumerate(file):\n            if number >= limit:\n                break\n            rows.append(json.loads(line))\n    return rows\n',
    'class Stack:\n    def __init__(self):\n        self._items = []\n\n    def push(self, item):\n        self._items.append(item)\n        return self\n\n    def pop(self):\n        if not self._items:\n            raise IndexError("the stack is empty")\n        return self._items.pop()\n',
    'total = sum(x ** 2 for x in range(10) if x % 2 == 0)\nprint(f"total: {total:>8.2f}")\nassert total == 120, "even squares below ten"\n'
  ],
  c: [
    '#include <stdio.h>\n#include <string.h>\n\nstatic int count(const char *text, char wanted)\n{\n    int found = 0;\n    for (size_t i = 0; i < strlen(text); i++) {\n        if (text[i] == wanted)\n            found++;\n    }\n    return found;\n}\n\nint main(void)\n{\n    printf("%d\\n", count("mississippi", \'s\'));\n    return 0;\n}\n',
    'struct node {\n    int value;\n    struct node *next;\n};\n\nvoid insert(struct node **head, int value)\n{\n    struct node *fresh = malloc(sizeof *fresh);\n    if (fresh == NULL)\n        return;\n    fresh->value = value;\n    fresh->next = *head;\n    *head = fresh;\n}\n'
  ],
  data: [
    '{"name": "lamp", "price": 24.90, "tags": ["home", "light"], "stock": {"north": 12, "south": 0}, "active": true}\n{"name": "chair", "price": 79.00, "tags": ["home"], "stock": {"north": 3, "south": 41}, "active": false}\n',
    'date,station,temperature,rain\n2021-06-01,A12,18.4,0.0\n2021-06-01,B07,17.9,0.2\n2021-06-02,A12,21.3,0.0\n2021-06-02,B07,20.8,0.0\n2021-06-03,A12,16.5,11.7\n2021-06-03,B07,16.1,12.4\n',
    "SELECT city, COUNT(*) AS orders, AVG(total) AS mean\nFROM orders\nJOIN customers ON customers.id = orders.customer_id\nWHERE total > 50 AND status <> 'cancelled'\nGROUP BY city\nORDER BY orders DESC\nLIMIT 10;\n"
  ],
  mathematics: [
    'Let x + y = 10 and x - y = 4. Adding both gives 2x = 14, so x = 7 and y = 3. The product is 21, the sum of squares 49 + 9 = 58, and the mean of 7 and 3 is 5.',
    '128 * 64 = 8192; 8192 / 32 = 256; 256 - 255 = 1. 3.14159, 2.71828, 1.41421, 1.61803. 17, 19, 23, 29, 31, 37, 41, 43, 47, 53.'
  ],
  french: [
    "Le marché ouvre à sept heures. Les premiers clients sont presque toujours les mêmes : un boulanger à la retraite, deux voisines qui ne se parlent plus, et un étudiant qui n'a pas encore dormi. On y trouve des pommes, du fromage et, en été, des abricots.",
    "La bibliothèque a été fermée pendant deux ans pour travaux. Les lecteurs y sont revenus lentement ; aujourd'hui, il faut réserver sa place, surtout quand les examens approchent."
  ],
  german: [
    'Der Zug hatte wieder Verspätung, diesmal wegen eines umgestürzten Baumes. Niemand beschwerte sich; man holte Bücher hervor, teilte Äpfel und erzählte sich, wie schön es früher gewesen sei, als die Fahrt noch einen halben Tag gedauert hatte.',
    'Für den Teig braucht man 500 g Mehl, einen Würfel Hefe, eine Prise Salz und lauwarmes Wasser. Er muss eine Stunde ruhen, bevor er geformt und bei 220 Grad gebacken wird.'
  ],
  spanish: [
    'La casa del abuelo estaba al final del camino, detrás de los olivos. Cada verano llegábamos con demasiadas maletas, y cada verano él nos preguntaba cuánto tiempo pensábamos quedarnos esta vez.',
    'El río baja con fuerza en primavera. Los niños aprenden pronto dónde se puede cruzar y dónde no; los mayores recuerdan todavía el año en que el agua llegó hasta la plaza.'
  ],
  markup: [
    '# Setting up\n\n1. Install the package.\n2. Run `setup --check` and read what it says.\n3. Open <https://example.org/start> and log in.\n\n| option | default |\n|---|---|\n| `--port` | 8080 |\n| `--quiet` | off |\n',
    '<!DOCTYPE html>\n<html lang="en">\n<head><title>Orders</title></head>\n<body>\n  <ul class="list">\n    <li id="first">One &amp; two</li>\n    <li>Three</li>\n  </ul>\n</body>\n</html>\n'
  ],
  chat: [
    'User: hi, can u help me with my bike? the chain keeps falling off :(\nAssistant: Sure! Does it fall off to the inside or to the outside?\nUser: inside, mostly when i shift down\nAssistant: Then the lower limit screw is probably too loose. Turn it a quarter to the right and try again.\n',
    "URGENT!!! Meeting moved to 4:30 PM (Room 7B). Bring the Q3 report + last year's numbers. Thx - Jo\n"
  ]
};

export const NEUTRAL_PROMPTS: readonly PromptObject[] = Object.entries(
  TEXTS
).flatMap(([domain, texts]) =>
  texts.map((text, i) => ({ id: `${domain} ${i + 1}`, domain, text }))
);
