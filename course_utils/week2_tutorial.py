"""The source tutorial of week 2: evidence, not an example.

MultiHeadsAttModel and NormL are word for word but for wrapped lines. The
network is its layers as a function, so that the block in the middle can be
exchanged; for that, the axis of size 1 is dropped behind the block. What is
wrong is the subject of the lesson.
"""

import tensorflow as tf

# fmt: off


def MultiHeadsAttModel(l=8*8, d=512, dv=64, dout=512, nv=8):  # noqa: E741
    def model(inputs):
        q1, k1, v1 = inputs

        v2 = tf.keras.layers.Dense(dv*nv, activation="relu")(v1)
        q2 = tf.keras.layers.Dense(dv*nv, activation="relu")(q1)
        k2 = tf.keras.layers.Dense(dv*nv, activation="relu")(k1)

        v = tf.keras.layers.Reshape([-1, l, nv, dv])(v2)
        q = tf.keras.layers.Reshape([-1, l, nv, dv])(q2)
        k = tf.keras.layers.Reshape([-1, l, nv, dv])(k2)

        # Wrap TensorFlow operations within a Lambda layer
        att = tf.keras.layers.Lambda(lambda x: tf.matmul(
            x[0], x[1], transpose_b=True
        ) / tf.sqrt(tf.cast(dv, tf.float32)))([q, k])
        att = tf.keras.layers.Lambda(lambda x: tf.nn.softmax(x))(att)

        out = tf.keras.layers.Lambda(
            lambda x: tf.matmul(x[0], x[1]))([att, v])
        out = tf.keras.layers.Reshape([-1, l, d])(out)

        out = out + q1  # Ensure shapes are compatible for addition

        out = tf.keras.layers.Dense(dout, activation="relu")(out)

        return out

    return model


class NormL(tf.keras.layers.Layer):
    def __init__(self):
        super(NormL, self).__init__()  # noqa: UP008

    def build(self, input_shape):
        self.a = self.add_weight(name='a', shape=(1, input_shape[-1]),
                                 initializer='ones', trainable=True)
        self.b = self.add_weight(name='b', shape=(1, input_shape[-1]),
                                 initializer='zeros', trainable=True)

    def call(self, x):
        eps = 0.000001
        mu = tf.reduce_mean(x, axis=-1, keepdims=True)
        sigma = tf.math.reduce_std(x, axis=-1, keepdims=True)
        ln_out = (x - mu) / (sigma + eps)
        return ln_out * self.a + self.b


def attention_block(x):
    x = tf.keras.layers.Reshape([-1, 6*6, 64*3])(x)  # Use TF Keras Reshape
    att = MultiHeadsAttModel(l=6*6, d=64*3, dv=8*3, dout=32, nv=8)
    x = att([x, x, x])
    return tf.keras.layers.Reshape([36, 32])(x)


# Its network, layer by layer, as a function: any block (36, 192) -> (36, 32)
# can stand where its attention does.
def network(block=attention_block, norm=NormL):
    inputs = tf.keras.Input(shape=(28, 28, 1))
    x = tf.keras.layers.Conv2D(32, (2, 2), activation='relu',
                               padding='same')(inputs)
    x = tf.keras.layers.MaxPooling2D(pool_size=(2, 2))(x)
    x = tf.keras.layers.Conv2D(64, (2, 2), activation='relu')(x)
    x = tf.keras.layers.MaxPooling2D(pool_size=(2, 2), padding='same')(x)
    x = tf.keras.layers.Conv2D(64*3, (2, 2), activation='relu')(x)

    x = tf.keras.layers.Reshape([36, 192], name="tokens")(x)
    x = block(x)
    x = tf.keras.layers.Reshape([6, 6, 32], name="grid")(x)
    x = norm()(x)

    x = tf.keras.layers.Flatten()(x)
    x = tf.keras.layers.Dense(256, activation='relu')(x)
    outputs = tf.keras.layers.Dense(10, activation='softmax')(x)

    return tf.keras.Model(inputs=inputs, outputs=outputs)
